import { afterAll, beforeAll, expect, test } from 'vitest';
import { defineAgent, definePlugin } from '../../../src/tessera.ts';
import { startTestServer, type TestServer } from '../../support/start-test-server.ts';

const asked: string[] = [];

/** Forbids one model, and has an agent. */
const gate = definePlugin({
  name: 'gate',
  version: '1.0.0',
  setup: () => ({
    hooks: {
      beforeModelCall: ({ model }) => {
        asked.push(model);
        if (model === 'claude-haiku-4-5') throw new Error('not that one');
      },
    },
    agents: [
      defineAgent({ name: 'clerk', description: 'Does it.', instructions: 'Do.', tools: [] }),
    ],
  }),
});

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ plugins: [gate()] });
});
afterAll(async () => server[Symbol.asyncDispose]());

const spellings = [
  'claude-haiku-4-5',
  ' claude-haiku-4-5 ',
  'anthropic/claude-haiku-4-5',
  'anthropic/anthropic/claude-haiku-4-5',
  'anthropic/ claude-haiku-4-5',
];

test.each(spellings)('a forbidden model cannot be called as %j', async (model) => {
  const { complete } = await server.data<{ complete: { code: string } }>(
    'mutation ($model: String) { complete(input: { model: $model, prompt: { text: "Hi" } }) { ... on Error { code } } }',
    { model },
  );
  expect(complete.code).toMatch(/^MODEL_(UNAVAILABLE|NOT_FOUND)$/);
  const { runAgent } = await server.data<{ runAgent: { error: { code: string } } }>(
    'mutation ($model: String) { runAgent(input: { agent: "clerk", model: $model, message: "Hi" }) { ... on AgentRun { error { code } } } }',
    { model },
  );
  expect(runAgent.error.code).toMatch(/^MODEL_(UNAVAILABLE|NOT_FOUND)$/);
  expect(server.demo.requests.filter(({ body }) => body?.model.includes('haiku'))).toEqual([]);
});

test('a gate sees the name that is called, of an agent as well', async () => {
  asked.length = 0;
  await server.data(
    'mutation { runAgent(input: { agent: "clerk", model: "anthropic/claude-opus-5-5", message: "Hi" }) { __typename } }',
  );
  expect(asked).toEqual(['claude-opus-5-5']);
  expect(server.demo.requests.at(-1)!.body!.model).toBe('claude-opus-5-5');
});
