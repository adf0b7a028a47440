import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { readConfig } from '../../src/config.ts';
import type { Database } from '../../src/data/database.ts';
import { type DemoModel, startDemoModel } from '../../src/demo-model/demo-model-server.ts';
import type { Role } from '../../src/kernel/access/principal.ts';
import type { Log } from '../../src/kernel/log.ts';
import type { ConfiguredPlugin } from '../../src/kernel/plugin.ts';
import { type Running, startServer } from '../../src/server/start-server.ts';
import { openTestDatabase } from './test-database.ts';
import { testLog } from './test-log.ts';

const adminKey = 'admin-key-of-the-tests';

export interface GraphQLAnswer<Data> {
  status: number;
  headers: Headers;
  data?: Data | null;
  errors?: { message: string; path?: (string | number)[]; extensions?: Record<string, unknown> }[];
}

/** Events of one subscription, read one at a time: what has come waits, so a test never races the stream. */
export interface TestStream<Event> extends AsyncIterableIterator<Event> {
  /** The next event; rejects when the stream has ended. */
  take(): Promise<Event>;
  /** All events until the stream ends. */
  rest(): Promise<Event[]>;
  /** Unsubscribes on purpose. */
  stop(): void;
  /** Cuts the connection, as a lost network does. */
  cut(): void;
}

export interface TestServer extends AsyncDisposable {
  url: string;
  adminKey: string;
  demo: DemoModel;
  database: Database;
  running: Running;
  /** One operation over HTTP, as the admin unless `as` holds another key (null: none). */
  execute<Data = Record<string, never>>(
    query: string,
    variables?: object,
    options?: { as?: string | null; headers?: Record<string, string> },
  ): Promise<GraphQLAnswer<Data>>;
  /** As `execute`; throws when there are errors. */
  data<Data>(query: string, variables?: object, options?: { as?: string | null }): Promise<Data>;
  /** A subscription over a real graphql-ws client on a socket of its own. */
  subscribe<Event>(
    query: string,
    variables?: object,
    options?: { as?: string | null },
  ): TestStream<Event>;
  /** The secret of a new key. */
  keyFor(userId: string, roles?: Role[], groups?: string[]): Promise<string>;
}

interface TestServerOptions {
  /** More of the environment: names and values as an operator sets them. */
  environment?: Record<string, string>;
  database?: Database;
  log?: Log;
  /** In place of the built-in ones. */
  plugins?: ConfiguredPlugin[];
}

/**
 * A whole server in this process: `await using server = await startTestServer()`. Its model is a scripted demo model.
 * Its end fails when a model call is left open.
 */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const demo = await startDemoModel();
  const database = options.database ?? (await openTestDatabase());
  const config = readConfig({
    PORT: '0',
    ANTHROPIC_API_KEY: 'test',
    ANTHROPIC_BASE_URL: demo.url,
    TESSERA_ADMIN_KEY: adminKey,
    ...options.environment,
  });
  const { log = testLog, plugins } = options;
  const running = await startServer(config, { log, database, ...(plugins && { plugins }) });
  const endpoint = `${running.url}/graphql`;
  const execute = createExecute(endpoint);
  const data: TestServer['data'] = async (query, variables, as) => {
    const answer = await execute(query, variables, as);
    if (answer.errors) throw new Error(JSON.stringify(answer.errors));
    return answer.data as never;
  };
  return {
    url: running.url,
    adminKey,
    demo,
    database,
    running,
    execute,
    data,
    subscribe: createSubscribe(endpoint),
    async keyFor(userId, roles = ['USER'], groups = []) {
      const key = { name: userId, userId, roles, groups };
      const { secret } = await running.services.auth.createApiKey(key);
      return secret;
    },
    async [Symbol.asyncDispose]() {
      await running.stop(1_000);
      try {
        await nothingOpen(running, demo);
      } finally {
        await demo.close();
      }
    },
  };
}

/** A server that has stopped has ended what it asked of models: rejects when a call is still open on either side. */
async function nothingOpen({ services }: Running, demo: DemoModel): Promise<void> {
  const open = services.models.openCalls();
  if (open > 0) throw new Error(`the server stopped with ${open} model calls open`);
  await demo.waitForOpenCalls(0);
}

function createExecute(endpoint: string): TestServer['execute'] {
  return async (query, variables, { as = adminKey, headers = {} } = {}) => {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(as === null ? {} : { authorization: `Bearer ${as}` }),
        ...headers,
      },
      body: JSON.stringify({ query, variables }),
    });
    const answer = (await response.json()) as object;
    return { status: response.status, headers: response.headers, ...answer } as never;
  };
}

/** Subscriptions to a server that listens at `endpoint`. */
export function createSubscribe(endpoint: string): TestServer['subscribe'] {
  return <Event>(query: string, variables = {}, { as = adminKey }: { as?: string | null } = {}) => {
    let socket: WebSocket | undefined;
    const client = createClient({
      url: endpoint.replace('http', 'ws'),
      webSocketImpl: class extends WebSocket {
        constructor(...args: ConstructorParameters<typeof WebSocket>) {
          super(...args);
          socket = this;
        }
      },
      connectionParams: as === null ? {} : { authorization: `Bearer ${as}` },
      retryAttempts: 0,
    });
    const events = client.iterate({ query, variables: { ...variables } });
    const stream: TestStream<Event> = {
      [Symbol.asyncIterator]: () => stream,
      async next() {
        const step = await events.next();
        if (step.done) return { done: true, value: undefined };
        if (step.value.errors) throw new Error(JSON.stringify(step.value.errors));
        return { done: false, value: Object.values(step.value.data ?? {})[0] as Event };
      },
      async take() {
        const step = await stream.next();
        if (step.done) throw new Error('the stream has ended');
        return step.value;
      },
      async rest() {
        const rest: Event[] = [];
        for await (const event of stream) rest.push(event);
        return rest;
      },
      stop: () => void events.return?.(),
      cut: () => socket?.terminate(),
    };
    return stream;
  };
}
