import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  CANCEL,
  complete,
  inputOf,
  type Outcome,
  STREAM,
  type StreamEvent,
} from '../../ledger/support/money-operations.ts';
import { type MoneyServer, startMoneyServer } from '../../ledger/support/start-money-server.ts';

const haiku = 'claude-haiku-5-5';
const sonnet = 'claude-sonnet-5-5';
let server: MoneyServer;
beforeAll(async () => {
  server = await startMoneyServer();
});
afterAll(() => server[Symbol.asyncDispose]());

/** A run's id as the database has it. */
const keyOf = (id: string | null): string =>
  Buffer.from(id ?? '', 'base64url')
    .toString()
    .slice(4);
const ask = (text: string, options: object = {}): Promise<Outcome> =>
  complete(server, text, { options });

test('the deadline of whoever made the call ends nobody else, and the bill is still theirs', async () => {
  const text = '[demo:gate 3] [demo:words 30] both wait';
  const hasty = ask(text, { timeoutMs: 4_000 });
  await server.demo.waitForGatedCalls(1);
  const patient = server.subscribe<StreamEvent>(STREAM, inputOf(text));
  expect((await patient.take()).__typename).toBe('RunStarted');
  expect((await patient.take()).__typename).toBe('TextDelta');
  const late = await hasty;
  expect(late.code).toBe('MODEL_TIMEOUT');
  server.demo.release();
  expect((await patient.rest()).at(-1)?.run).toMatchObject({ status: 'SUCCEEDED', cost: '0' });
  const { records, hits } = await server.referee();
  expect(records).toMatchObject([{ runId: keyOf(late.runId), status: 'succeeded' }]);
  expect(hits).toHaveLength(1);
});

test('a shared call may take as long as the most patient of its readers, also before its first word', async () => {
  const letGo = server.demo.hold();
  const hasty = ask('held back', { timeoutMs: 3_000 });
  await server.demo.waitForOpenCalls(1);
  const patient = ask('held back');
  expect((await hasty).code).toBe('MODEL_TIMEOUT');
  expect(server.demo.openCalls).toBe(1);
  letGo();
  expect(await patient).toMatchObject({ status: 'SUCCEEDED', cached: true });
  expect((await server.referee()).billed).toHaveLength(1);
});

test('the last to leave waits for the bill, though another run pays it', async () => {
  const text = '[demo:gate 3] [demo:words 30] all leave';
  const first = server.subscribe<StreamEvent>(STREAM, inputOf(text));
  const billing = keyOf((await first.take()).runId);
  await server.demo.waitForGatedCalls(1);
  const second = server.subscribe<StreamEvent>(STREAM, inputOf(text));
  const { runId } = await second.take();
  await second.take();
  first.stop();
  await server.data(CANCEL, { id: runId });
  const records = 'SELECT "runId", status FROM "UsageRecord" WHERE "runId" = ANY($1::uuid[])';
  expect(await server.database.query(records, [[billing, keyOf(runId)]])).toEqual([
    { runId: billing, status: 'cancelled' },
  ]);
  await server.referee();
});

test('a fallback model answers only those who named it, and says to each that it is one', async () => {
  const text = 'which model';
  const fallbackModels = [haiku];
  const letGo = server.demo.hold();
  server.demo.script({ kind: 'status', status: 401, times: 2, match: { model: sonnet } });
  const asked = [ask(text, { fallbackModels }), ask(text, { fallbackModels }), ask(text)];
  await server.demo.waitForOpenCalls(2);
  const running = `SELECT id FROM "Run" WHERE status = 'RUNNING'`;
  await expect.poll(() => server.database.query(running)).toHaveLength(3);
  letGo();
  const [one, two, strict] = await Promise.all(asked);
  for (const { model, degraded } of [one!, two!]) expect([model, degraded]).toEqual([haiku, true]);
  expect([one!.cached, two!.cached].sort()).toEqual([false, true]);
  expect(strict!.code).toBe('MODEL_UNAVAILABLE');
  expect((await server.referee()).billed).toHaveLength(1);
});
