import { createParser } from 'eventsource-parser';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';

export interface Answer<Data> {
  status: number;
  data?: Data | null;
  errors?: { message: string; extensions?: Record<string, unknown> }[];
}

/** What a stream's client sees, one result at a time; ends when the stream does. */
export interface ClientStream<Event> extends AsyncIterableIterator<Event, undefined> {
  /** The next event; rejects when the stream has ended. */
  take(): Promise<Event>;
  rest(): Promise<Event[]>;
  /** Unsubscribes on purpose; over SSE there is no such thing, and the connection is closed. */
  stop(): void;
  /** Breaks the connection, as a lost network does. */
  cut(): void;
}

export type Transport = 'ws' | 'sse';

export interface ServerClient {
  execute<Data = Record<string, never>>(query: string, variables?: object): Promise<Answer<Data>>;
  /** As `execute`; rejects when there are errors. */
  data<Data>(query: string, variables?: object): Promise<Data>;
  /** A stream rejects with the errors that it is told, as JSON. */
  subscribe<Event>(query: string, variables?: object, over?: Transport): ClientStream<Event>;
}

/** A client of one server, by real libraries: graphql-ws, and the server-sent events of fetch. */
export function clientOf(url: string, key: string): ServerClient {
  const endpoint = `${url}/graphql`;
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` };
  const execute: ServerClient['execute'] = async (query, variables) => {
    const body = JSON.stringify({ query, variables });
    const response = await fetch(endpoint, { method: 'POST', headers, body });
    return { status: response.status, ...((await response.json()) as object) };
  };
  return {
    execute,
    async data(query, variables) {
      const answer = await execute(query, variables);
      if (answer.errors) throw new Error(JSON.stringify(answer.errors));
      return answer.data as never;
    },
    subscribe: (query, variables, over = 'ws') => {
      const params = { query, variables: { ...variables } };
      return over === 'ws'
        ? streamOf(...overWebSocket(endpoint, { key, params }))
        : streamOf(...overEvents(endpoint, { headers, params }));
    },
  };
}

interface Result {
  data?: Record<string, unknown> | null;
  errors?: readonly unknown[];
}
type Source = [results: AsyncIterator<Result, unknown>, cut: () => void];

function streamOf<Event>(...[results, cut]: Source): ClientStream<Event> {
  const stream: ClientStream<Event> = {
    [Symbol.asyncIterator]: () => stream,
    async next() {
      const { done, value } = await results.next().catch((error: unknown) => {
        // graphql-ws throws what the server tells as it came: an array.
        throw error instanceof Error ? error : new Error(JSON.stringify(error));
      });
      if (done) return { done: true, value: undefined };
      const { data, errors } = value as Result;
      if (errors) throw new Error(JSON.stringify(errors));
      return { done: false, value: Object.values(data ?? {})[0] as Event };
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
    stop: () => void results.return?.(undefined),
    cut,
  };
  return stream;
}

type Params = { query: string; variables: Record<string, unknown> };

function overWebSocket(endpoint: string, { key, params }: { key: string; params: Params }): Source {
  let socket: WebSocket | undefined;
  const client = createClient({
    url: endpoint.replace('http', 'ws'),
    webSocketImpl: class extends WebSocket {
      constructor(...args: ConstructorParameters<typeof WebSocket>) {
        super(...args);
        socket = this;
      }
    },
    connectionParams: { authorization: `Bearer ${key}` },
    retryAttempts: 0,
  });
  return [client.iterate(params) as AsyncIterator<Result, unknown>, () => socket?.terminate()];
}

function overEvents(
  endpoint: string,
  { headers, params }: { headers: Record<string, string>; params: Params },
): Source {
  const connection = new AbortController();
  const close = (): void => connection.abort();
  async function* read(): AsyncGenerator<Result> {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: { ...headers, accept: 'text/event-stream' },
      body: JSON.stringify(params),
      signal: connection.signal,
    });
    const ready: Result[] = [];
    const parser = createParser({
      onEvent: ({ event, data }) => {
        if (event === 'next') ready.push(JSON.parse(data) as Result);
      },
    });
    const decoder = new TextDecoder();
    for await (const bytes of response.body!) {
      parser.feed(decoder.decode(bytes, { stream: true }));
      yield* ready.splice(0);
    }
  }
  const results = read();
  const source: AsyncIterator<Result, unknown> = {
    next: () => results.next(),
    async return() {
      close();
      return { done: true, value: undefined };
    },
  };
  return [source, close];
}
