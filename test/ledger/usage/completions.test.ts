import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  CANCEL,
  complete,
  completeNamed,
  inputOf,
  STREAM,
  type StreamEvent,
} from '../support/money-operations.ts';
import type { Verdict } from '../support/referee.ts';
import { type MoneyServer, startMoneyServer } from '../support/start-money-server.ts';

let server: MoneyServer;
let verdict: Verdict | null = null;

beforeAll(async () => {
  server = await startMoneyServer();
});
afterAll(() => server[Symbol.asyncDispose]());
afterEach(async () => {
  if (!verdict) await server.referee();
  verdict = null;
});

async function compare(): Promise<Verdict> {
  verdict = await server.referee();
  return verdict;
}

/** Distinct words, so that nothing is answered from the cache by accident. */
let count = 0;
const fresh = (text: string): string => `${text} no. ${++count}`;
const stream = (text: string, options: object = {}) =>
  server.subscribe<StreamEvent>(STREAM, inputOf(text, { options }));

describe('what succeeds', () => {
  test('a mutation, a WebSocket stream and an SSE stream are one exact record each', async () => {
    const answer = await complete(server, fresh('[demo:words 40]'));
    expect(answer).toMatchObject({ status: 'SUCCEEDED', usage: { estimated: false } });
    const events = await stream(fresh('[demo:words 30]')).rest();
    expect(events.at(-1)?.run?.status).toBe('SUCCEEDED');
    const told = await overSse(fresh('[demo:words 20]'));
    expect(told).toContain('RunFinished');
    const { billed, records } = await compare();
    expect(billed).toHaveLength(3);
    expect(records.map(({ cost }) => cost)).toContain(answer.cost);
  });

  test('a cache hit is recorded, costs nothing and calls nothing', async () => {
    const text = fresh('[demo:words 12] again');
    const first = await complete(server, text);
    const second = await complete(server, text);
    expect(second).toMatchObject({ cached: true, cost: '0', text: first.text });
    const { billed, hits } = await compare();
    expect([billed.length, hits.length]).toEqual([1, 1]);
  });

  test('fifty at once are one call and forty-nine hits', async () => {
    const text = fresh('[demo:words 12] together');
    const letGo = server.demo.hold();
    const all = Array.from({ length: 50 }, () => complete(server, text));
    await server.demo.waitForOpenCalls(1);
    letGo();
    const answers = await Promise.all(all);
    expect(new Set(answers.map((answer) => answer.text)).size).toBe(1);
    expect(answers.filter(({ cached }) => cached)).toHaveLength(49);
    const { billed, hits } = await compare();
    expect([billed.length, hits.length]).toEqual([1, 49]);
  });

  test('an answer that hits max_tokens is exact, and told as cut', async () => {
    const answer = await complete(server, fresh('[demo:words 300]'), { maxTokens: 16 });
    expect(answer).toMatchObject({ status: 'SUCCEEDED', stopReason: 'max_tokens' });
    expect((await compare()).records[0]).toMatchObject({ outputTokens: 16, estimated: false });
  });

  test('a refusal is billed for what it said', async () => {
    const answer = await complete(
      server,
      fresh('[demo:fault refusal afterDeltas=4] [demo:words 40]'),
    );
    expect(answer).toMatchObject({ code: 'MODEL_REFUSED', retryable: false });
    expect((await compare()).records).toHaveLength(1);
  });

  test('output that is not of its schema is billed; the repair is a record of its own', async () => {
    const bad = '[demo:fault invalid_structured_output]';
    const refused = await completeNamed(server, 'judge', fresh(bad));
    expect(refused).toMatchObject({ code: 'OUTPUT_INVALID', retryable: true });
    expect((await compare()).records).toHaveLength(1);
    server.demo.script({ kind: 'invalid_structured_output' });
    const repaired = await completeNamed(server, 'patient_judge', fresh('Is it so?'));
    expect(repaired.output).toMatchObject({ verdict: expect.stringMatching(/yes|no/) });
    const { records } = await compare();
    expect(records).toHaveLength(2);
    expect(repaired.cost).toBe(sumOf(records.map(({ cost }) => cost)));
  });
});

describe('what breaks', () => {
  // Five failures in a row would open the circuit.
  beforeEach(async () => {
    await complete(server, fresh('all is well'));
    await server.referee();
  });

  test.each([
    ['an error event', '[demo:fault error_event after=12]', 'MODEL_OVERLOADED'],
    ['a cut stream', '[demo:fault cut after=12]', 'MODEL_UNAVAILABLE'],
    ['a reset', '[demo:fault reset after=12]', 'MODEL_UNAVAILABLE'],
    ['garbage', '[demo:fault garbage after=12]', 'MODEL_UNAVAILABLE'],
  ])('%s after output is one estimated record, and not repeated', async (_name, fault, code) => {
    const events = await stream(fresh(`${fault} [demo:words 60]`)).rest();
    const told = events.map(({ text }) => text ?? '').join('');
    expect(told.split(' ').length).toBeGreaterThan(8);
    expect(events.at(-1)?.error).toMatchObject({ code, retryable: true });
    const { records } = await compare();
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({ estimated: true, status: 'failed' });
    expect(records[0]!.outputTokens).toBeGreaterThan(1);
  });

  test('each attempt that began is a record; those refused before cost nothing', async () => {
    server.demo.script({ kind: 'status', status: 529 }, { kind: 'cut', afterDeltas: 0 });
    const answer = await complete(server, fresh('[demo:words 20]'));
    expect(answer.status).toBe('SUCCEEDED');
    const { billed, records } = await compare();
    expect(billed.map(({ outcome }) => outcome)).toEqual(['error', 'completed']);
    expect(answer.cost).toBe(sumOf(records.map(({ cost }) => cost)));
  });

  test('a fallback model answers, is named, priced and not cached', async () => {
    const text = fresh('[demo:words 20]');
    const options = { fallbackModels: ['claude-haiku-5-5'] };
    server.demo.script({ kind: 'status', status: 529, times: 3 });
    const answer = await complete(server, text, { options });
    expect(answer).toMatchObject({ degraded: true, cached: false, model: 'claude-haiku-5-5' });
    expect((await compare()).records[0]).toMatchObject({ model: 'claude-haiku-5-5' });
    const again = await complete(server, text, { options });
    expect(again).toMatchObject({ degraded: false, cached: false });
    await compare();
  });

  test('the fallback text is degraded, costs nothing and is no record', async () => {
    server.demo.script({ kind: 'status', status: 529, times: 3 });
    const answer = await complete(server, fresh('hello'), { options: { fallbackText: 'Later.' } });
    expect(answer).toMatchObject({ text: 'Later.', model: 'fallback', degraded: true, cost: '0' });
    expect((await compare()).records).toEqual([]);
  });
});

describe('what is left', () => {
  const long = '[demo:gate 30] [demo:words 200]';

  test('cancelRun bills what was said until then', async () => {
    const running = stream(fresh(long));
    const { runId } = await running.take();
    await server.demo.waitForGatedCalls(1);
    await server.data(CANCEL, { id: runId });
    expect((await running.rest()).at(-1)?.error?.code).toBe('RUN_CANCELLED');
    expect((await compare()).records[0]).toMatchObject({ status: 'cancelled', estimated: true });
  });

  test.each(['stop', 'cut'] as const)('%s of the subscription bills it as well', async (leave) => {
    const running = stream(fresh(long));
    await running.take();
    await server.demo.waitForGatedCalls(1);
    running[leave]();
    expect((await compare()).records[0]).toMatchObject({ status: 'cancelled', estimated: true });
  });

  test('an abort within a silent call reaches the provider within a second', async () => {
    const running = stream(fresh('[demo:fault stall]'));
    await running.take();
    await server.demo.waitForOpenCalls(1);
    running.stop();
    await server.demo.waitForOpenCalls(0, 1_000);
    expect((await compare()).records).toEqual([]);
  });

  test('timeoutMs ends a stalled call, which is billed', async () => {
    const text = fresh('[demo:fault stall after=20] [demo:words 100]');
    const answer = await complete(server, text, { options: { timeoutMs: 400 } });
    expect(answer).toMatchObject({ code: 'MODEL_TIMEOUT', retryable: true });
    expect((await compare()).records[0]).toMatchObject({ estimated: true });
  });
});

test('the referee notices a call that nobody recorded, and one that nobody billed', async () => {
  verdict = await server.referee();
  await complete(server, fresh('[demo:words 5]'));
  const [bill] = server.demo.billing.calls.slice(-1);
  server.demo.billing.record({ ...bill!, input: { ...bill!, cached: [] } as never });
  await expect(server.referee()).rejects.toThrow('as many records as billed calls');
  const sql = 'UPDATE "SpendingWindow" SET spent = spent + $1';
  await server.database.query(sql, ['0.000001']);
  await expect(server.referee()).rejects.toThrow('spent in');
  await server.database.query(sql, ['-0.000001']);
});

async function overSse(text: string): Promise<string> {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      authorization: `Bearer ${server.adminKey}`,
    },
    body: JSON.stringify({ query: STREAM, variables: inputOf(text) }),
  });
  return response.text();
}

const sumOf = (costs: (string | null)[]): string =>
  String(Number(costs.reduce((total, cost) => total + Number(cost), 0).toFixed(12)));
