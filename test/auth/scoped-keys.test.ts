import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defineAgent, definePlugin, defineTool, z } from '../../src/tessera.ts';
import { startTestServer, type TestServer } from '../support/start-test-server.ts';

const tool = (name: string) =>
  defineTool({
    name,
    description: 'Does it.',
    input: z.object({}),
    output: z.string(),
    run: () => `${name} was called`,
  });

const desk = definePlugin({
  name: 'desk',
  version: '1.0.0',
  setup: () => ({
    tools: [tool('look'), tool('pay')],
    agents: ['clerk', 'cashier'].map((name) =>
      defineAgent({ name, description: 'Helps.', instructions: 'Help.', tools: ['look', 'pay'] }),
    ),
  }),
});

let server: TestServer;
beforeAll(async () => {
  const { default: builtIn } = await import('../../tessera.config.ts');
  server = await startTestServer({ plugins: [...builtIn.plugins, desk()] });
});
afterAll(() => server[Symbol.asyncDispose]());

const CREATE = `mutation ($input: CreateApiKeyInput!) {
  createApiKey(input: $input) { secret apiKey { id scopes { models concurrentRuns } } } }`;

interface Created {
  createApiKey: { secret: string; apiKey: { id: string; scopes: object | null } };
}

async function keyWith(scopes: object, input: object = {}) {
  const base = { name: 'app', userId: 'ada', roles: ['USER'], scopes, ...input };
  const { createApiKey } = await server.data<Created>(CREATE, { input: base });
  return { ...createApiKey.apiKey, secret: createApiKey.secret };
}

/** The code that an operation is refused with, or OK. */
async function codeOf(as: string, source: string, variables: object = {}): Promise<unknown> {
  const { data, errors } = await server.execute<Record<string, { code?: string }>>(
    source,
    variables,
    { as },
  );
  return errors?.[0]?.extensions?.['code'] ?? Object.values(data ?? {})[0]?.code ?? 'OK';
}

const complete = (text: string, more = '') =>
  `mutation { complete(input: { prompt: { text: "${text}" } ${more} }) { ... on Error { code } } }`;
const named = (name: string) =>
  `mutation { complete(input: { prompt: { named: { name: "${name}", variables: { text: "x" } } } }) {
     ... on Error { code } } }`;
const RENDER = `{ renderPrompt(input: { named: { name: "summarization", variables: { text: "x" } } }) {
  __typename } }`;
const runAgent = (agent: string, message = 'hi') =>
  `mutation { runAgent(input: { agent: "${agent}", message: ${JSON.stringify(message)} }) {
     ... on Error { code } ... on AgentRun { turns { toolCalls { tool output isError } } } } }`;

describe('a key with scopes', () => {
  test('shows them', async () => {
    const key = await keyWith({ models: ['claude-*'], concurrentRuns: 2 });
    expect(key.scopes).toEqual({ models: ['claude-*'], concurrentRuns: 2 });
    expect((await keyWith({})).scopes).toBeNull();
  });

  test.each([
    [{ models: ['a*b'] }],
    [{ prompts: [''] }],
    [{ requestsPerMinute: 0 }],
    [{ concurrentRuns: -1 }],
  ])('is not made of %j', async (scopes) => {
    const input = { name: 'app', userId: 'ada', roles: ['USER'], scopes };
    expect(await codeOf(server.adminKey, CREATE, { input })).toBe('BAD_USER_INPUT');
  });

  test('calls its models only, the default and fallbacks included', async () => {
    const { secret } = await keyWith({ models: ['claude-haiku-*'] });
    expect(await codeOf(secret, complete('one', 'model: "claude-haiku-5-5"'))).toBe('OK');
    const before = server.demo.requests.length;
    expect(await codeOf(secret, complete('two', 'model: "claude-opus-5-5"'))).toBe('FORBIDDEN');
    expect(await codeOf(secret, complete('three'))).toBe('FORBIDDEN');
    expect(server.demo.requests).toHaveLength(before);
    server.demo.script({ kind: 'status', status: 401 });
    const fallback = `model: "claude-haiku-5-5", options: { fallbackModels: ["claude-opus-5-5"] }`;
    expect(await codeOf(secret, complete('four', fallback))).toBe('MODEL_UNAVAILABLE');
    expect(server.demo.requests).toHaveLength(before + 1);
  });

  test('sends its prompts only, and no text of its own', async () => {
    const { secret } = await keyWith({ prompts: ['summarization'] });
    expect(await codeOf(secret, named('summarization'))).toBe('OK');
    expect(await codeOf(secret, RENDER)).toBe('OK');
    const typed =
      'mutation { classifySentiment(variables: { text: "x" }) { ... on Error { code } } }';
    expect(await codeOf(secret, typed)).toBe('FORBIDDEN');
    expect(await codeOf(secret, complete('free text'))).toBe('FORBIDDEN');
    const ask = 'mutation { ask(input: { question: "?" }) { ... on Error { code } } }';
    expect(await codeOf(secret, ask)).toBe('FORBIDDEN');
    const other = await keyWith({ prompts: ['classify_sentiment'] });
    expect(await codeOf(other.secret, RENDER)).toBe('FORBIDDEN');
  });

  test('runs its agents only, and they call its tools only', async () => {
    const { secret } = await keyWith({ agents: ['clerk'], tools: ['look'] });
    expect(await codeOf(secret, runAgent('cashier'))).toBe('FORBIDDEN');
    const message = '[demo:tool look {}] [demo:tool pay {}]';
    const { runAgent: run } = await server.data<{
      runAgent: { turns: { toolCalls: { tool: string; output: string; isError: boolean }[] }[] };
    }>(runAgent('clerk', message), {}, { as: secret });
    const calls = run.turns.flatMap(({ toolCalls }) => toolCalls);
    expect(calls.find(({ tool: name }) => name === 'look')?.output).toBe('look was called');
    for (const call of calls.filter(({ tool: name }) => name === 'pay')) {
      expect(call).toMatchObject({ isError: true, output: expect.stringContaining('scopes') });
    }
    const offered = server.demo.requests.at(-1)?.body as { tools?: { name: string }[] };
    expect(offered.tools?.map(({ name }) => name)).toEqual(['look']);
  });

  test('is held to its requests a minute', async () => {
    const { secret } = await keyWith({ requestsPerMinute: 2 });
    const viewer = '{ viewer { userId } }';
    const codes = [];
    for (let at = 0; at < 3; at += 1) codes.push(await codeOf(secret, viewer));
    expect(codes).toEqual(['OK', 'OK', 'RATE_LIMITED']);
  });

  test('is held to its tokens a minute', async () => {
    const { secret } = await keyWith({ tokensPerMinute: 10 });
    expect(await codeOf(secret, complete('uses more than ten tokens [demo:words 30]'))).toBe('OK');
    expect(await codeOf(secret, complete('once more'))).toBe('RATE_LIMITED');
  });

  test('is held to its runs at once, also when they begin together', async () => {
    const { secret } = await keyWith({ concurrentRuns: 2 });
    const release = server.demo.hold();
    const asked = ['one', 'two', 'three', 'four'].map((text) =>
      codeOf(secret, complete(`${text} at once`)),
    );
    await server.demo.waitForOpenCalls(2);
    release();
    const codes = await Promise.all(asked);
    expect(codes.sort()).toEqual(['OK', 'OK', 'RATE_LIMITED', 'RATE_LIMITED']);
    expect(await codeOf(secret, complete('afterwards'))).toBe('OK');
  });
});

test('MCP lists and serves what a key’s scopes allow', async () => {
  const { secret } = await keyWith({ tools: ['look'], agents: [], prompts: ['summarization'] });
  const rpc = async (method: string, params: object = {}) => {
    const response = await fetch(`${server.url}/mcp`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${secret}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    });
    return response.text();
  };
  expect(await rpc('tools/list')).toMatch(/"name":"look"/);
  expect(await rpc('tools/list')).not.toMatch(/"name":"(pay|agent_clerk)"/);
  expect(await rpc('prompts/list')).not.toContain('classify_sentiment');
  expect(await rpc('tools/call', { name: 'look', arguments: {} })).toContain('look was called');
  const refused = await rpc('tools/call', { name: 'pay', arguments: {} });
  expect(refused).toContain('scopes of this key');
  expect(await rpc('tools/call', { name: 'agent_clerk', arguments: { message: 'hi' } })).toContain(
    'scopes of this key',
  );
  expect(await rpc('prompts/get', { name: 'classify_sentiment', arguments: {} })).toContain(
    'scopes of this key',
  );
});
