import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { definePlugin, type Hooks } from '../../../src/tessera.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { startTestServer, type TestServer } from '../../support/start-test-server.ts';

const called: string[] = [];
const costs: (string | null)[] = [];
const ends: object[] = [];
const { log, entries } = recordingLog();

const listening = (name: string, hooks: Hooks) =>
  definePlugin({ name, version: '1.0.0', description: 'Listens.', setup: () => ({ hooks }) })();

/** Two plugins in this order; the first one's observers all throw. */
const plugins = [
  listening('first', {
    beforeModelCall: async ({ messages, model }, { userId }) => {
      called.push('first before');
      if (model === 'claude-haiku-4-5') throw new Error('not that one');
      if (userId === 'eve') throw new Error('not for her');
      if (JSON.stringify(messages).includes('slow gate')) await new Promise(() => {});
      if (JSON.stringify(messages).includes('forbidden')) throw new Error('not here');
    },
    afterModelCall: ({ status, cost }) => {
      called.push(`first after ${status} ${cost === null ? 'unpriced' : 'priced'}`);
      throw new Error('an observer breaks');
    },
    onRunEvent: ({ type }) => {
      called.push(`first ${type}`);
      throw new Error('an observer breaks');
    },
  }),
  listening('second', {
    beforeModelCall: () => void called.push('second before'),
    afterModelCall: ({ status, cost }) => {
      called.push(`second after ${status}`);
      costs.push(cost);
    },
    onRunEvent: async ({ type }) => void called.push(`second ${type}`),
    onRunEnd: ({ status, model, error, durationMs }, { kind, userId, runId }) => {
      ends.push({ status, model, code: error?.code ?? null, kind, userId, runId });
      expect(durationMs).toBeGreaterThan(0);
    },
  }),
];

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ plugins, log });
});
afterAll(async () => server[Symbol.asyncDispose]());
beforeEach(() => {
  called.splice(0);
  costs.splice(0);
  ends.splice(0);
});

const COMPLETE = `mutation ($input: CompleteInput!) { complete(input: $input) {
  __typename ... on Completion { text cost } ... on Error { code message retryable } } }`;
const complete = async (text: string, options: object = {}, as?: string) => {
  const input = { prompt: { text }, options };
  const caller = as === undefined ? {} : { as };
  return (await server.data<{ complete: object }>(COMPLETE, { input }, caller)).complete;
};

test('hooks are called in the order of the plugin list, and a throwing observer breaks nothing', async () => {
  expect(await complete('[demo:reply fine] a')).toMatchObject({ text: 'fine' });
  expect(called.filter((call) => call.includes('before'))).toEqual([
    'first before',
    'second before',
  ]);
  expect(called.filter((call) => call.includes('after'))).toEqual([
    'first after succeeded priced',
    'second after succeeded',
  ]);
  const told = (name: string) => called.filter((call) => call.startsWith(`${name} `));
  for (const type of ['RunStarted', 'TextDelta', 'RunFinished']) {
    expect(told('first')).toContain(`first ${type}`);
    expect(told('second')).toContain(`second ${type}`);
  }
  expect(entries.some(({ message }) => message === 'a plugin hook failed')).toBe(true);
});

test('a fallback model that a gate refuses is left out, and the next one answers', async () => {
  const before = server.demo.requests.length;
  server.demo.script({ kind: 'status', status: 529, times: 3 });
  const fallbackModels = ['claude-haiku-4-5', 'claude-haiku-5-5'];
  expect(await complete('[demo:reply spare] fall back', { fallbackModels })).toMatchObject({
    text: 'spare',
  });
  const models = server.demo.requests
    .slice(before)
    .map(({ body }) => (body as { model?: string } | undefined)?.model);
  expect(models).toContain('claude-haiku-5-5');
  expect(models).not.toContain('claude-haiku-4-5');
});

test('a gate that throws refuses the call: nothing is sent, held or billed, later gates are not asked', async () => {
  const before = server.demo.requests.length;
  expect(await complete('something forbidden')).toMatchObject({
    __typename: 'ModelUnavailableError',
    message: 'The plugin "first" refused this model call.',
    retryable: false,
  });
  expect(called).not.toContain('second before');
  expect(server.demo.requests).toHaveLength(before);
  expect(await server.database.query('SELECT 1 FROM "Hold"')).toEqual([]);
});

test('each caller is asked for at the gates: one that is refused refuses nobody else', async () => {
  const eve = await server.keyFor('eve');
  const refused = { __typename: 'ModelUnavailableError', retryable: false };
  const letGo = server.demo.hold();
  const mine = complete('asked by two');
  await server.demo.waitForOpenCalls(1);
  expect(await complete('asked by two', {}, eve)).toMatchObject(refused);
  letGo();
  expect(await mine).toMatchObject({ __typename: 'Completion' });
  expect(await complete('asked by two', {}, eve)).toMatchObject(refused);
});

test('a slow gate does not outlast the time of the run', async () => {
  const before = performance.now();
  const late = await complete('behind a slow gate', { timeoutMs: 200 });
  expect(late).toMatchObject({ __typename: 'ModelTimeoutError' });
  expect(performance.now() - before).toBeLessThan(3_000);
});

test('each attempt is told with what it cost itself', async () => {
  server.demo.script({ kind: 'status', status: 529 }, { kind: 'error_event', afterDeltas: 0 });
  const { cost } = (await complete('at the third attempt')) as { cost: string };
  expect(costs).toHaveLength(3);
  const [refused, broken, answered] = costs.map(Number);
  expect(refused).toBe(0);
  expect(broken).toBeGreaterThan(0);
  expect(answered).toBeGreaterThan(broken!);
  expect(broken! + answered!).toBeCloseTo(Number(cost), 12);
});

test('the end of a run is reported once, whatever it is', async () => {
  const before = await server.database.query('SELECT 1 FROM "Run"');
  expect(before.length).toBeGreaterThan(0);
  const run = { kind: 'COMPLETION', userId: 'admin', runId: expect.any(String) };
  await complete('[demo:reply fine] to its end');
  const model = server.demo.requests.at(-1)!.body!.model;
  expect(ends).toEqual([{ ...run, status: 'SUCCEEDED', model, code: null }]);
  server.demo.script({ kind: 'status', status: 400 });
  await complete('to an error');
  const failed = { status: 'FAILED', model, code: 'MODEL_REFUSED' };
  expect(ends.slice(1)).toEqual([{ ...run, ...failed }]);
  await complete('[demo:fault stall] to a cancel', { timeoutMs: 100 });
  expect(ends.slice(2)).toMatchObject([{ status: 'FAILED', code: 'MODEL_TIMEOUT' }]);
});
