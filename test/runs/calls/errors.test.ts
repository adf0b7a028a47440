import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  complete,
  type Outcome,
  STREAM,
  type StreamEvent,
} from '../../ledger/support/money-operations.ts';
import { type MoneyServer, startMoneyServer } from '../../ledger/support/start-money-server.ts';
import { recordingLog } from '../../support/recording-log.ts';

const secret = 'raw body of the provider 4711';
const { log, entries } = recordingLog();
let server: MoneyServer;
let count = 0;
beforeAll(async () => {
  server = await startMoneyServer({ environment: { MODEL_IDLE_TIMEOUT_MS: '300' }, log });
});
afterAll(() => server[Symbol.asyncDispose]());
// No upstream call is left behind, and what was billed is in the books. A success closes the circuit's count.
afterEach(async () => {
  await complete(server, `all is well ${++count}`);
  await server.referee();
  expect(server.demo.openCalls).toBe(0);
  expect(server.running.services.models.openCalls()).toBe(0);
});

const ask = (text: string, options: object = {}): Promise<Outcome> =>
  complete(server, `${text} no. ${++count}`, { options });
const requests = (): number => server.demo.requests.length;

describe('a refused call', () => {
  test.each([
    [429, 3, 'MODEL_RATE_LIMITED', true],
    [529, 3, 'MODEL_OVERLOADED', true],
    [500, 3, 'MODEL_UNAVAILABLE', true],
    [503, 3, 'MODEL_UNAVAILABLE', true],
    [400, 1, 'MODEL_REFUSED', false],
    [401, 1, 'MODEL_UNAVAILABLE', false],
    [403, 1, 'MODEL_UNAVAILABLE', false],
    [404, 1, 'MODEL_NOT_FOUND', false],
    [413, 1, 'MODEL_REFUSED', false],
  ])('%i: called %i times, then %s', async (status, calls, code, retryable) => {
    const before = requests();
    server.demo.script({ kind: 'status', status, times: calls, message: secret, retryAfterMs: 5 });
    const answer = await ask('hello');
    expect(answer).toMatchObject({ code, retryable, runId: expect.any(String) });
    expect(answer.__typename).toBe(typeNameOf(code));
    expect(requests() - before).toBe(calls);
    // 400 and 413 alone say why, in the provider's one sentence; never its body.
    const told = JSON.stringify(answer);
    expect(told).not.toMatch(/request_id|invalid_request_error|"error"|\{\\"/);
    if (![400, 413].includes(status)) expect(told).not.toContain(secret);
  });

  test('the log names the run and the request of each attempt', async () => {
    entries.length = 0;
    server.demo.script({ kind: 'status', status: 529, times: 1, retryAfterMs: 5 });
    const { id } = await ask('hello');
    const lines = entries.filter(({ message }) => /Claude|attempt/.test(message));
    expect(lines.map(({ message }) => message)).toEqual([
      'Claude answered with an error',
      'model attempt failed; trying again',
    ]);
    const runId = Buffer.from(id, 'base64url').toString().replace('Run:', '');
    const whose = { runId, requestId: expect.stringMatching(/\S/) };
    expect(lines).toEqual(lines.map(() => expect.objectContaining(whose)));
  });

  test('a stream tells the same error as its last event', async () => {
    server.demo.script({ kind: 'status', status: 529, times: 3, message: secret });
    const events = await server
      .subscribe<StreamEvent>(STREAM, { input: { prompt: { text: 'as a stream' } } })
      .rest();
    const { error } = events.at(-1)!;
    expect(error).toMatchObject({ code: 'MODEL_OVERLOADED', retryable: true });
    expect(error?.message).not.toContain(secret);
  });

  test('a model that no provider has is refused without a call', async () => {
    const before = requests();
    const answer = await complete(server, 'hello', { model: 'nobody/knows' });
    expect(answer).toMatchObject({ code: 'MODEL_NOT_FOUND', retryable: false });
    expect(requests()).toBe(before);
  });
});

describe('a call that goes wrong', () => {
  test('a reset before the first byte is tried again', async () => {
    server.demo.script({ kind: 'reset' });
    const before = requests();
    expect((await ask('hello')).status).toBe('SUCCEEDED');
    expect(requests() - before).toBe(2);
  });

  test('retry-after is respected, and capped by the deadline', async () => {
    server.demo.script({ kind: 'status', status: 429, retryAfterMs: 300 });
    const waited = performance.now();
    expect((await ask('hello')).status).toBe('SUCCEEDED');
    expect(performance.now() - waited).toBeGreaterThan(290);
    server.demo.script({ kind: 'status', status: 429, retryAfterSeconds: 60 });
    const before = requests();
    const answer = await ask('hello', { timeoutMs: 1_000 });
    expect(answer.code).toBe('MODEL_RATE_LIMITED');
    expect(requests() - before).toBe(1);
  });

  test('timeoutMs bounds retries and fallbacks together', async () => {
    const before = requests();
    server.demo.script(
      { kind: 'status', status: 529 },
      { kind: 'status', status: 401 },
      { kind: 'stall' },
    );
    const answer = await ask('hello', { timeoutMs: 1_000, fallbackModels: ['claude-haiku-5-5'] });
    expect(answer).toMatchObject({ code: 'MODEL_TIMEOUT', retryable: true });
    expect(requests() - before).toBe(3);
  });

  test('silence in the middle is ended by the watchdog', async () => {
    const answer = await ask('[demo:fault stall after=12] [demo:words 60]');
    expect(answer).toMatchObject({ code: 'MODEL_TIMEOUT', retryable: true });
  });

  test('a stream without its end is no success', async () => {
    const answer = await ask('[demo:fault cut after=12] [demo:words 60]');
    expect(answer).toMatchObject({ code: 'MODEL_UNAVAILABLE', retryable: true });
    const { run } = await server.data<{ run: { text: string; status: string } }>(
      'query ($id: ID!) { run(id: $id) { status ... on Completion { text } } }',
      { id: answer.runId },
    );
    expect(run.status).toBe('FAILED');
    expect(run.text.split(' ').length).toBeGreaterThan(8);
  });
});

test('a model name with a control character is nobody’s, as a fallback too', async () => {
  const before = requests();
  const model = 'claude-\u001b[2J';
  expect(await complete(server, 'hello', { model })).toMatchObject({ code: 'MODEL_NOT_FOUND' });
  expect(await ask('hello', { fallbackModels: [model] })).toMatchObject({
    code: 'MODEL_NOT_FOUND',
  });
  expect(requests()).toBe(before);
});

test('an open circuit goes to the fallback at once, and is seen', async () => {
  const model = 'claude-opus-5-5';
  const asked = (options: object) => complete(server, `hello ${++count}`, { model, options });
  server.demo.script({ kind: 'status', status: 529, times: 5, match: { model } });
  await asked({});
  await asked({});
  const before = requests();
  expect((await asked({})).code).toBe('MODEL_UNAVAILABLE');
  expect(requests()).toBe(before);
  const degraded = await asked({ fallbackModels: ['claude-haiku-5-5'] });
  expect(degraded).toMatchObject({ model: 'claude-haiku-5-5', degraded: true });
  const STATUS = '{ serverStatus { openModelCalls providers { name model breaker queued } } }';
  const { serverStatus } = await server.data<{ serverStatus: { providers: object[] } }>(STATUS);
  expect(serverStatus.providers).toContainEqual(
    expect.objectContaining({ model, breaker: 'open' }),
  );
  const { models } = await server.data<{ models: object[] }>('{ models { id breaker } }');
  expect(models).toContainEqual({ id: model, breaker: 'open' });
  expect(models).toContainEqual({ id: 'claude-haiku-5-5', breaker: 'closed' });
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  expect(metrics).toContain(
    `tessera_circuit_breaker_state{provider="anthropic",model="${model}"} 2`,
  );
});

test('MODEL_CONCURRENCY bounds the calls in flight, and who waits is seen', async () => {
  await using narrow = await startMoneyServer({ environment: { MODEL_CONCURRENCY: '1' } });
  const letGo = narrow.demo.hold();
  const bypass = { options: { cache: 'BYPASS' } };
  const running = complete(narrow, 'one', bypass);
  await narrow.demo.waitForOpenCalls(1);
  const queued = complete(narrow, 'two', bypass);
  const providers = () =>
    narrow.data<{ serverStatus: { providers: { model: null; queued: number }[] } }>(
      '{ serverStatus { providers { model queued } } }',
    );
  await expect
    .poll(async () => (await providers()).serverStatus.providers)
    .toContainEqual({ model: null, queued: 1 });
  expect(narrow.demo.openCalls).toBe(1);
  letGo();
  expect([(await running).status, (await queued).status]).toEqual(['SUCCEEDED', 'SUCCEEDED']);
  await narrow.referee();
});

const typeNameOf = (code: string): string =>
  `${code
    .toLowerCase()
    .split('_')
    .map((word) => word[0]!.toUpperCase() + word.slice(1))
    .join('')}Error`;
