// The floor of `npm run bench`: a bare graphql-yoga server. One mutation calls the SDK, one subscription forwards its
// deltas over graphql-ws and server-sent events, one stays silent. No auth, no rules, no database, no log.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Anthropic from '@anthropic-ai/sdk';
import type { ExecutionArgs, GraphQLError } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { createSchema, createYoga } from 'graphql-yoga';
import { WebSocketServer } from 'ws';

const client = new Anthropic({ apiKey: 'bench' });
const call = (prompt: string) => ({
  model: 'claude-sonnet-5-5',
  max_tokens: 1_024,
  messages: [{ role: 'user' as const, content: prompt }],
});

async function complete(prompt: string) {
  const { id, content, usage } = await client.messages.create(call(prompt));
  const text = content.map((block) => (block.type === 'text' ? block.text : '')).join('');
  return { id, text, usage: { input: usage.input_tokens, output: usage.output_tokens } };
}

async function* stream(prompt: string) {
  let input = 0;
  for await (const event of await client.messages.create({ ...call(prompt), stream: true })) {
    if (event.type === 'message_start') input = event.message.usage.input_tokens;
    else if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') {
      yield { completion: { text: event.delta.text } };
    } else if (event.type === 'message_delta') {
      yield { completion: { usage: { input, output: event.usage.output_tokens } } };
    }
  }
}

function silence() {
  const { promise, resolve } = Promise.withResolvers<IteratorReturnResult<undefined>>();
  const end = { done: true, value: undefined } as const;
  return {
    next: () => promise,
    async return() {
      resolve(end);
      return end;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

const yoga = createYoga({
  logging: false,
  graphiql: false,
  landingPage: false,
  schema: createSchema({
    typeDefs: /* GraphQL */ `
      type Usage { input: Int! output: Int! }
      type Completion { id: ID! text: String! usage: Usage! }
      type Event { text: String usage: Usage }
      type Query { hello: String! }
      type Mutation { complete(prompt: String!): Completion! }
      type Subscription { completion(prompt: String!): Event! idle: Event! }
    `,
    resolvers: {
      Query: { hello: () => 'world' },
      Mutation: { complete: (_root, { prompt }) => complete(prompt) },
      Subscription: {
        completion: { subscribe: (_root, { prompt }) => stream(prompt) },
        idle: { subscribe: silence },
      },
    },
  }),
});
const server = createServer(yoga);
type Engine = Pick<ReturnType<typeof yoga.getEnveloped>, 'execute' | 'subscribe'>;
const engineOf = ({ rootValue }: ExecutionArgs): Engine => rootValue as Engine;
useServer(
  {
    execute: (args) => engineOf(args).execute(args),
    subscribe: (args) => engineOf(args).subscribe(args),
    async onSubscribe(_socket, _id, params) {
      const { schema, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped({
        params,
      });
      const document = parse(params.query);
      const errors = validate(schema, document);
      if (errors.length > 0) return errors as readonly GraphQLError[];
      return {
        schema,
        document,
        operationName: params.operationName ?? null,
        variableValues: params.variables ?? null,
        contextValue: await contextFactory(),
        rootValue: { execute, subscribe },
      };
    },
  },
  new WebSocketServer({ server, path: '/graphql', perMessageDeflate: false }),
);
server.keepAliveTimeout = 120_000;
server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () =>
  process.stdout.write(
    `Endpoint http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql\n`,
  ),
);
// By an exit, so that a CPU profile is written.
process.once('SIGTERM', () => process.exit(0));
