import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDemoModel } from '../../src/demo-model/demo-model-server.ts';
import {
  COMPLETE,
  complete,
  inputOf,
  STREAM,
  type StreamEvent,
} from '../ledger/support/money-operations.ts';
import { type MoneyServer, startMoneyServer } from '../ledger/support/start-money-server.ts';
import { openTestDatabase } from '../support/test-database.ts';

let server: MoneyServer;
beforeAll(async () => {
  server = await startMoneyServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const keyed = (idempotencyKey: string) => ({ options: { idempotencyKey, cache: 'BYPASS' } });

test('fifty calls of one key at once are one run, one model call, one record', async () => {
  const letGo = server.demo.hold();
  const all = Array.from({ length: 50 }, () =>
    complete(server, '[demo:words 9] a', keyed('fifty')),
  );
  await server.demo.waitForOpenCalls(1);
  letGo();
  const answers = await Promise.all(all);
  expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
  expect(answers.every(({ text }) => text === answers[0]!.text && text !== '')).toBe(true);
  const { billed, records, hits } = await server.referee();
  expect([billed.length, records.length, hits.length]).toEqual([1, 1, 0]);
});

test('a run that is still going is joined, and one that failed is told again', async () => {
  const text = '[demo:gate 5] [demo:words 30] b';
  const first = complete(server, text, keyed('running'));
  await server.demo.waitForGatedCalls(1);
  const joined = server.subscribe<StreamEvent>(STREAM, inputOf(text, keyed('running')));
  expect((await joined.take()).__typename).toBe('RunStarted');
  server.demo.release();
  expect((await joined.rest()).at(-1)?.run?.id).toBe((await first).id);
  const broken = '[demo:fault cut after=9] [demo:words 40]';
  const failed = await complete(server, broken, keyed('failed'));
  expect(failed.code).toBe('MODEL_UNAVAILABLE');
  expect(await complete(server, broken, keyed('failed'))).toEqual(failed);
  expect((await server.referee()).billed).toHaveLength(2);
});

test('a key belongs to its input and to its user', async () => {
  await complete(server, 'one thing', keyed('mine'));
  const other = await complete(server, 'another thing', keyed('mine'));
  expect(other).toMatchObject({ __typename: 'ConflictError', code: 'CONFLICT', retryable: false });
  const as = await server.keyFor('bea');
  const hers = await complete(server, 'another thing', { ...keyed('mine'), as });
  expect(hers.status).toBe('SUCCEEDED');
  expect((await server.referee()).billed).toHaveLength(2);
});

test('a key outlives the server', async () => {
  await using database = await openTestDatabase();
  await using demo = await startDemoModel();
  const environment = { ANTHROPIC_BASE_URL: demo.url };
  const lasting = { ...database, close: async () => undefined };
  const ids: string[] = [];
  for (let start = 0; start < 2; start += 1) {
    await using one = await startMoneyServer({ database: lasting, environment });
    const answer = await complete(one, '[demo:words 9] c', keyed('restart'));
    expect(answer).toMatchObject({ status: 'SUCCEEDED', text: expect.stringMatching(/\w/) });
    ids.push(answer.id);
    const conflict = await complete(one, 'something else', keyed('restart'));
    expect(conflict.code).toBe('CONFLICT');
  }
  expect(ids[0]).toBe(ids[1]);
  expect(demo.billing.calls).toHaveLength(1);
});

test('what means the same is the same input', async () => {
  const first = await complete(server, 'said so', keyed('nulls'));
  const nulls = { ...keyed('nulls'), system: null, model: null };
  expect((await complete(server, 'said so', nulls as never)).id).toBe(first.id);
  const named = async (variables: object): Promise<string> => {
    const input = { prompt: { named: { name: 'rag_qa', variables } }, ...keyed('order') };
    return (await server.data<{ complete: { id: string } }>(COMPLETE, { input })).complete.id;
  };
  const id = await named({ context: 'It is red.', query: 'Is it?' });
  expect(await named({ query: 'Is it?', context: 'It is red.' })).toBe(id);
  expect((await server.referee()).billed).toHaveLength(2);
});

test('a key whose run was never stored, since its server died, begins a run anew, once', async () => {
  await complete(server, 'lost', keyed('lost'));
  await server.database.query(
    `UPDATE "IdempotencyKey" SET "runId" = '018f0000-0000-7000-8000-000000000001' WHERE key = 'lost'`,
  );
  const again = await Promise.all([1, 2, 3].map(() => complete(server, 'lost', keyed('lost'))));
  expect(new Set(again.map(({ id }) => id)).size).toBe(1);
  expect(again[0]).toMatchObject({ status: 'SUCCEEDED' });
  expect((await server.referee()).billed).toHaveLength(2);
});

test('a run that cannot begin leaves no key behind', async () => {
  await using other = await startMoneyServer({ environment: { TESSERA_MODEL: 'nobody/model' } });
  for (let time = 0; time < 2; time += 1) {
    const refused = await other.execute(COMPLETE, inputOf('hello', keyed('stuck')));
    expect(JSON.stringify(refused)).toContain('MODEL_NOT_FOUND');
  }
  expect(await other.database.query('SELECT key FROM "IdempotencyKey"')).toEqual([]);
});

test('a key that no database can hold is refused', async () => {
  const { errors } = await server.execute(COMPLETE, inputOf('nul', keyed('a\0b')));
  expect(errors?.[0]?.extensions).toMatchObject({
    code: 'BAD_USER_INPUT',
    issues: [{ path: ['input', 'options', 'idempotencyKey'] }],
  });
});
