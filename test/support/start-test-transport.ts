import type { GraphQLSchema } from 'graphql';
import { createSchema, Repeater } from 'graphql-yoga';
import { createAuth } from '../../src/auth/create-auth.ts';
import { createRateLimiter } from '../../src/auth/rate-limiter.ts';
import type { Database } from '../../src/data/database.ts';
import { DomainError } from '../../src/kernel/errors.ts';
import type { Log } from '../../src/kernel/log.ts';
import type { GraphQLContext } from '../../src/schema/context.ts';
import { createMetrics } from '../../src/telemetry/create-metrics.ts';
import { createTransport } from '../../src/transport/create-transport.ts';
import type { TransportOptions } from '../../src/transport/transport-options.ts';
import { recordingLog } from './recording-log.ts';

/** Who left how: what the streams of the test schema tell of their ends. */
export type Leaving = 'unsubscribed' | 'disconnected';

const typeDefs = /* GraphQL */ `
  type Query {
    hello(name: String! = "you", tags: [String!]): String!
    self: Query!
    boom: String
    bounded: String
    caller: String!
    deep(value: Json): String
  }
  type Mutation {
    set(value: Int!): Int!
    place(at: PointsInput): Boolean
  }
  type Subscription {
    count(to: Int!): Int!
    "Never says a thing."
    silence: Int
    "Says one thing, and nothing after."
    opens: Int!
    "Never stops: each item is this many characters long."
    flood(length: Int!): String!
    breaks: Int
  }
  input PointsInput {
    points: [PointInput!]!
  }
  input PointInput {
    x: Int!
  }
  scalar Json
`;

interface Context extends GraphQLContext {
  left: (how: Leaving) => void;
}

const leavingOf = ({ disconnected }: Context): Leaving =>
  disconnected?.aborted ? 'disconnected' : 'unsubscribed';

const resolvers = {
  Query: {
    hello: (_: unknown, { name }: { name: string }) => `Hello, ${name}`,
    self: () => ({}),
    boom: () => {
      throw new Error('SELECT * FROM secrets failed at /srv/tessera/x.ts');
    },
    bounded: () => {
      throw new DomainError('BUDGET_EXCEEDED', 'No room in your budget.');
    },
    caller: (_: unknown, __: unknown, { caller }: Context) =>
      `${caller?.userId} ${caller?.requestId}`,
    deep: (_: unknown, { value }: { value: unknown }) => JSON.stringify(value),
  },
  Mutation: { set: (_: unknown, { value }: { value: number }) => value },
  Subscription: {
    count: {
      subscribe: (_: unknown, { to }: { to: number }) =>
        new Repeater<{ count: number }>(async (push, stop) => {
          for (let count = 1; count <= to; count += 1) await push({ count });
          stop();
        }),
    },
    silence: {
      subscribe: (_: unknown, __: unknown, context: Context) =>
        new Repeater(async (_push, stop) => {
          await stop;
          context.left(leavingOf(context));
        }),
    },
    opens: {
      subscribe: (_: unknown, __: unknown, context: Context) =>
        new Repeater<{ opens: number }>(async (push, stop) => {
          await push({ opens: 1 });
          await stop;
          context.left(leavingOf(context));
        }),
    },
    flood: {
      subscribe: (_: unknown, { length }: { length: number }, context: Context) =>
        new Repeater<{ flood: string }>(async (push, stop) => {
          const flood = 'x'.repeat(length);
          let over = false;
          void stop.then(() => {
            over = true;
            context.left(leavingOf(context));
          });
          for (let sent = 1; !over; sent += 1) {
            Object.assign(context, { lastEvent: fakeEvent(sent) });
            await push({ flood });
          }
        }),
    },
    breaks: {
      subscribe: () =>
        new Repeater(async (push, stop) => {
          await push({ breaks: 1 });
          stop(new Error('secret'));
        }),
    },
  },
};

const fakeEvent = (position: number) => ({
  body: { position },
  stream: { cursorAt: (at: number) => `cursor-${at}` },
});

interface TestTransportOptions {
  database: Database;
  requestsPerMinute?: number | null;
  bodyLimitBytes?: number;
  corsOrigins?: readonly string[];
  stallMs?: number;
  keepAliveMs?: number;
  arrival?: NonNullable<TransportOptions['arrival']>;
  schema?: GraphQLSchema;
}

/** The transport alone, on a port of its own, over a schema made to be ill-treated. The key "admin" is the admin's. */
export async function startTestTransport(options: TestTransportOptions) {
  const { database, requestsPerMinute = null } = options;
  const { log, entries } = recordingLog();
  const auth = createAuth({ database, adminKey: 'admin', log });
  const leavings: Leaving[] = [];
  const waiting: ((how: Leaving) => void)[] = [];
  const left = (how: Leaving): void => {
    const waiter = waiting.shift();
    if (waiter) waiter(how);
    else leavings.push(how);
  };
  const metrics = createMetrics();
  const transport = createTransport({
    bodyLimitBytes: 100_000,
    corsOrigins: [],
    ...options,
    pingDatabase: () => database.query('SELECT 1'),
    schema: options.schema ?? createSchema<Context>({ typeDefs, resolvers }),
    createContext: (caller, { disconnected }) =>
      ({ caller, disconnected, left }) as unknown as GraphQLContext,
    auth,
    rateLimiter: createRateLimiter({ database, requestsPerMinute, log: log as Log }),
    metrics,
    log,
  });
  const port = await transport.listen('127.0.0.1', 0);
  return {
    origin: `http://127.0.0.1:${port}`,
    url: `http://127.0.0.1:${port}/graphql`,
    port,
    auth,
    metrics,
    entries,
    transport,
    /** How the next stream of the test schema was left. */
    nextLeaving: (): Promise<Leaving> =>
      new Promise((resolve) => {
        const how = leavings.shift();
        if (how) resolve(how);
        else waiting.push(resolve);
      }),
    [Symbol.asyncDispose]: async () => {
      await transport.close();
      await auth.close();
    },
  };
}

export type TestTransport = Awaited<ReturnType<typeof startTestTransport>>;
