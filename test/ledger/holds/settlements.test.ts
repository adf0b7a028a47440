import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Database } from '../../../src/data/database.ts';
import { newId } from '../../../src/data/new-id.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import {
  clearLedger,
  embedderThatBills,
  openLedger,
  outcome,
  request,
  tag,
} from '../support/ledger-fixture.ts';

let database: Database;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database?.close());
beforeEach(() => clearLedger(database));

const of = (subject: string) => [{ scope: 'USER' as const, subject }];
const spentAndHeld = () =>
  database.query<{ period: string; spent: string; held: string }>(
    `SELECT "period", trim_scale("spent")::text AS "spent", trim_scale("held")::text AS "held"
     FROM "SpendingWindow" ORDER BY "period"`,
  );
const count = async (table: string): Promise<number> => {
  const [row] = await database.query<{ count: number }>(
    `SELECT count(*)::int AS "count" FROM "${table}"`,
  );
  return row!.count;
};

test('a settled call is one record with what was billed, at the exact price', async () => {
  await using ledger = openLedger(database);
  const promptVersionId = newId();
  const hold = await ledger.hold(
    request({ tag: tag({ promptVersionId, promptName: 'greet', variant: 'b' }) }),
  );
  const record = await ledger.settle(
    hold,
    outcome({
      inputTokens: 7,
      cacheReadTokens: 30,
      cacheWrite5mTokens: 4,
      cacheWrite1hTokens: 1,
      outputTokens: 11,
    }),
  );
  const { accessTokens: _, ...attribution } = hold.request.tag;
  expect(record).toEqual({
    ...attribution,
    id: hold.id,
    provider: 'anthropic',
    model: 'small',
    inputTokens: 42,
    outputTokens: 11,
    cacheReadTokens: 30,
    cacheWriteTokens: 5,
    estimated: false,
    cached: false,
    // 7 + 3 + 5 + 2 millionths for input, 55 for output.
    cost: '0.000072',
    status: 'succeeded',
    durationMs: 120,
    timeToFirstTokenMs: 30,
    createdAt: hold.createdAt,
  });
  expect(await ledger.usageRecordsById([newId(), hold.id])).toEqual([null, record]);
  expect(await spentAndHeld()).toEqual([
    { period: 'DAILY', spent: '0.000072', held: '0' },
    { period: 'MONTHLY', spent: '0.000072', held: '0' },
  ]);
  expect(await count('Hold')).toBe(0);
});

test('settling again, at once or later, changes nothing and tells the first record', async () => {
  await using ledger = openLedger(database);
  const hold = await ledger.hold(request());
  const [first, second] = await Promise.all([
    ledger.settle(hold, outcome({ outputTokens: 10 })),
    ledger.settle(hold, outcome({ outputTokens: 99 })),
  ]);
  const third = await ledger.settle(hold, outcome({ outputTokens: 98 }));
  expect(second).toEqual(first);
  expect(third).toEqual(first);
  await ledger.release(hold);
  expect(await spentAndHeld()).toMatchObject([{ spent: '0.00005', held: '0' }, {}]);
  expect(await count('UsageRecord')).toBe(1);
});

test('each billed attempt is a record of its own, at its own price', async () => {
  await using ledger = openLedger(database);
  const runId = newId();
  for (const attempt of [
    outcome({ outputTokens: 1 }, { status: 'failed', estimated: true }),
    outcome({ outputTokens: 2 }, { model: 'large' }),
    outcome({ outputTokens: 3 }),
  ]) {
    const hold = await ledger.hold(request({ tag: tag({ runId }) }));
    await ledger.settle(hold, attempt);
    await ledger.settle(hold, attempt);
  }
  const { edges } = await ledger.usageRecords({ runId });
  expect(edges.map(({ node }) => [node.outputTokens, node.cost]).sort()).toEqual([
    [1, '0.000005'],
    [2, '0.00003'],
    [3, '0.000015'],
  ]);
  expect(await spentAndHeld()).toMatchObject([{ spent: '0.00005', held: '0' }, {}]);
  expect(await ledger.usageByRun([newId(), runId])).toEqual([
    expect.objectContaining({ cost: '0', outputTokens: 0 }),
    expect.objectContaining({ cost: '0.00005', outputTokens: 6, estimated: true }),
  ]);
});

test('a call that cost more than was held is recorded as it was', async () => {
  await using ledger = openLedger(database);
  await ledger.setBudget({ subject: 'ada', period: 'DAILY', limit: '0.0005' });
  const hold = await ledger.hold(request());
  await ledger.settle(hold, outcome({ outputTokens: 140 }));
  expect(await ledger.budgets(of('ada'))).toMatchObject([
    { limit: '0.0005', spent: '0.0007', held: '0', remaining: '0' },
  ]);
});

test('a call that was released and billed all the same is recorded', async () => {
  await using ledger = openLedger(database);
  const hold = await ledger.hold(request());
  await ledger.release(hold);
  await ledger.settle(hold, outcome({ outputTokens: 10 }));
  expect(await spentAndHeld()).toMatchObject([{ spent: '0.00005', held: '0' }, {}]);
});

test('calls in flight across midnight count in the day and month in which they were held', async () => {
  let clock = new Date('2026-03-31T23:59:59.999Z');
  await using ledger = openLedger(database, { now: () => clock });
  await ledger.setBudget({ subject: '*', period: 'DAILY', limit: '0.0005' });
  await ledger.setBudget({ subject: '*', period: 'MONTHLY', limit: '0.0005' });
  const late = await ledger.hold(request());
  await expect(ledger.hold(request())).rejects.toMatchObject({
    details: { budget: { resetsAt: '2026-04-01T00:00:00.000Z' } },
  });
  clock = new Date('2026-04-01T00:00:00.000Z');
  const early = await ledger.hold(request());
  await expect(ledger.hold(request())).rejects.toMatchObject({
    details: { budget: { resetsAt: '2026-04-02T00:00:00.000Z' }, heldByOthers: '0.0005' },
  });
  await ledger.settle(late, outcome({ outputTokens: 100 }));
  await ledger.settle(early, outcome({ outputTokens: 20 }));
  expect(await ledger.budgets(of('ada'))).toMatchObject([
    { period: 'DAILY', spent: '0.0001', held: '0', remaining: '0.0004' },
    { period: 'MONTHLY', spent: '0.0001', held: '0', remaining: '0.0004' },
  ]);
  expect((await ledger.usageRecordsById([late.id]))[0]?.createdAt).toEqual(
    new Date('2026-03-31T23:59:59.999Z'),
  );
});

test('days begin where the time zone says, also when the clocks change', async () => {
  let clock = new Date('2026-03-28T23:00:00.000Z');
  await using ledger = openLedger(database, { now: () => clock, timeZone: 'Europe/Berlin' });
  await ledger.setBudget({ subject: 'ada', period: 'DAILY', limit: '0.0005' });
  await ledger.hold(request());
  // A day of 23 hours: midnight is 22:00 UTC at its end.
  expect(await ledger.budgets(of('ada'))).toMatchObject([
    { held: '0.0005', resetsAt: new Date('2026-03-29T22:00:00.000Z') },
  ]);
  clock = new Date('2026-03-29T21:59:59.999Z');
  await expect(ledger.hold(request())).rejects.toMatchObject({ code: 'BUDGET_EXCEEDED' });
  clock = new Date('2026-03-29T22:00:00.000Z');
  await expect(ledger.hold(request())).resolves.toBeDefined();
  expect(() => openLedger(database, { timeZone: 'Atlantis' })).toThrow(/no time zone/);
});

test('budgets: all there are, what applies to a user, and by id', async () => {
  await using ledger = openLedger(database);
  const daily = await ledger.setBudget({ subject: '*', period: 'DAILY', limit: '2.50' });
  const monthly = await ledger.setBudget({ subject: '*', period: 'MONTHLY', limit: '40' });
  const own = await ledger.setBudget({ subject: 'ada', period: 'DAILY', limit: '9' });
  await ledger.hold(request());
  expect(daily).toMatchObject({
    subject: '*',
    limit: '2.5',
    spent: '0',
    held: '0',
    remaining: '2.5',
  });
  expect(await ledger.budgets(null)).toMatchObject([
    { id: own.id, held: '0.0005', remaining: '8.9995' },
    { id: daily.id, held: '0' },
    { id: monthly.id, held: '0' },
  ]);
  expect(await ledger.budgets(of('ada'))).toMatchObject([
    { id: own.id, held: '0.0005' },
    { id: monthly.id, held: '0.0005' },
  ]);
  expect(await ledger.budgets(of('bob'))).toMatchObject([{ id: daily.id }, { id: monthly.id }]);
  expect(await ledger.budgetsById([newId(), own.id])).toMatchObject([null, { id: own.id }]);
  const changed = await ledger.setBudget({ subject: 'ada', period: 'DAILY', limit: '10' });
  expect(changed).toMatchObject({ id: own.id, limit: '10', held: '0.0005' });
  await expect(ledger.setBudget({ subject: 'ada', period: 'DAILY', limit: '-1' })).rejects.toThrow(
    /amount in US dollars/,
  );
});

test('a cache hit costs nothing and says so; an embedding is billed unless it is free', async () => {
  await using ledger = openLedger(database);
  const hit = await ledger.recordCacheHit(tag(), {
    provider: 'anthropic',
    model: 'small',
    durationMs: 2,
  });
  expect(hit).toMatchObject({ cached: true, cost: '0', inputTokens: 0, outputTokens: 0 });
  const meter = ledger.meterEmbedders({ tag: tag({ kind: 'EMBEDDING' }) });
  const local = embedderThatBills('local', 1_000);
  expect(meter(local)).toBe(local);
  await meter(embedderThatBills('voyage/voyage-3', 1_000)).embed(['tea'], { purpose: 'query' });
  const { edges } = await ledger.usageRecords({});
  expect(edges.map(({ node }) => node)).toMatchObject([
    { provider: 'voyage', cost: '0.00002', inputTokens: 1_000, kind: 'EMBEDDING' },
    { id: hit.id },
  ]);
  expect(await spentAndHeld()).toMatchObject([
    { spent: '0.00002', held: '0' },
    { spent: '0.00002', held: '0' },
  ]);
  expect(await ledger.usageRecordsById([hit.id])).toEqual([hit]);
});

test('a settlement that can never be written fails alone, not its neighbours', async () => {
  await using ledger = openLedger(database);
  const [good, bad] = await Promise.all([ledger.hold(request()), ledger.hold(request())]);
  const [ok, failed] = await Promise.allSettled([
    ledger.settle(good, outcome({ outputTokens: 1 })),
    ledger.settle(bad, outcome({ outputTokens: 3_000_000_000 })),
  ]);
  expect(ok.status).toBe('fulfilled');
  expect(failed.status).toBe('rejected');
  expect(await count('UsageRecord')).toBe(1);
});

test('the embedded database does not keep the rows of holds that have ended', async () => {
  // A server vacuums by itself, when it finds the time.
  if (database.kind !== 'embedded') return;
  await using ledger = openLedger(database);
  for (let batch = 0; batch < 50; batch++) {
    const holds = await Promise.all(
      Array.from({ length: 200 }, () => ledger.hold(request({ maxTokens: 1 }))),
    );
    await Promise.all(holds.map((hold) => ledger.release(hold)));
  }
  const [row] = await database.query<{ bytes: number }>(
    `SELECT pg_relation_size('"Hold"')::int AS "bytes"`,
  );
  // 10,000 rows are 4 MB.
  expect(row!.bytes).toBeLessThan(2_500_000);
});
