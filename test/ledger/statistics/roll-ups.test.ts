import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Database } from '../../../src/data/database.ts';
import type { CostStatsRequest, Ledger, UsageRecordRow } from '../../../src/ledger/ledger.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { clearLedger, insertRecords, openLedger, usageRecord } from '../support/ledger-fixture.ts';
import { arbitraryRecord, arbitraryRequest, expectExact, now, start } from './statistics-model.ts';

let database: Database;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database?.close());
beforeEach(() => clearLedger(database));

const hourMs = 3_600_000;
const at = (hours: number): Date => new Date(start + hours * hourMs);

async function rollUp(ledger: Ledger, most = Number.POSITIVE_INFINITY): Promise<number> {
  let steps = 0;
  while (steps < most && (await ledger.rollUpUsage())) steps++;
  return steps;
}

/** Whatever of these has been rolled up, and how often. */
const requestsRolledUp = async (): Promise<number> => {
  const [row] = await database.query<{ requests: number }>(
    `SELECT coalesce(sum("requests"), 0)::int AS "requests" FROM "UsageRollUp" WHERE "set" = 'kind'`,
  );
  return row!.requests;
};

const marks = async (): Promise<number> =>
  (await database.query('SELECT FROM "UsageRollUpStale"')).length;

/** Makes the records another's without telling anybody: what is still answered comes from roll-ups. */
async function hideRecords(): Promise<void> {
  await database.query('ALTER TABLE "UsageRecord" DISABLE TRIGGER USER');
  await database.query(`UPDATE "UsageRecord" SET "createdAt" = '1999-01-01Z'`);
  await database.query('ALTER TABLE "UsageRecord" ENABLE TRIGGER USER');
}

type Deed =
  | { write: UsageRecordRow[] }
  | { rollUp: number }
  | { purge: Date }
  | { remove: number }
  | { change: number; to: UsageRecordRow }
  | { ask: CostStatsRequest };

const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ write: fc.array(arbitraryRecord, { maxLength: 25 }) }) },
  { weight: 3, arbitrary: fc.record({ rollUp: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 1, arbitrary: fc.record({ purge: fc.nat(60).map(at) }) },
  { weight: 1, arbitrary: fc.record({ remove: fc.nat(100) }) },
  { weight: 1, arbitrary: fc.record({ change: fc.nat(100), to: arbitraryRecord }) },
  { weight: 6, arbitrary: fc.record({ ask: arbitraryRequest }) },
);

test('with roll-ups, statistics are what summing up one record after the other gives', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(arbitraryRecord, { minLength: 20, maxLength: 60 }),
      fc.array(deed, { minLength: 5, maxLength: 20 }),
      fc.constantFrom('UTC', 'Asia/Kathmandu', 'America/New_York'),
      async (first, deeds, timeZone) => {
        await clearLedger(database);
        await using ledger = openLedger(database, { now: () => now, timeZone });
        await insertRecords(database, first);
        await rollUp(ledger, 7);
        let records: readonly UsageRecordRow[] = first;
        for (const step of deeds) records = await act(ledger, step, records);
        await rollUp(ledger);
        for (const step of deeds) if ('ask' in step) await act(ledger, step, records);
        expect(await requestsRolledUp()).toBe(records.length);
        expect(await marks()).toBe(0);
      },
    ),
    { numRuns: 25 },
  );
}, 120_000);

/** Resolves with the records that there are then. */
async function act(
  ledger: Ledger,
  step: Deed,
  records: readonly UsageRecordRow[],
): Promise<readonly UsageRecordRow[]> {
  if ('ask' in step) expectExact(await ledger.costStats(step.ask), step.ask, records);
  else if ('rollUp' in step) await rollUp(ledger, step.rollUp);
  else if ('write' in step) {
    await insertRecords(database, step.write);
    return [...records, ...step.write];
  } else if ('purge' in step) {
    await ledger.purgeUsage(step.purge);
    return records.filter(({ createdAt }) => createdAt >= step.purge);
  } else if (records.length > 0) {
    const index = ('remove' in step ? step.remove : step.change) % records.length;
    const { id } = records[index]!;
    if ('remove' in step) {
      await database.query('DELETE FROM "UsageRecord" WHERE "id" = $1', [id]);
      return records.toSpliced(index, 1);
    }
    const { createdAt, userId, model, cost, durationMs } = step.to;
    await database.query(
      `UPDATE "UsageRecord" SET "createdAt" = $2, "userId" = $3, "model" = $4, "cost" = $5, "durationMs" = $6
       WHERE "id" = $1`,
      [id, createdAt, userId, model, cost, durationMs],
    );
    const changed = { ...records[index]!, createdAt, userId, model, cost, durationMs };
    return records.with(index, changed);
  }
  return records;
}

const month = { from: at(-10 * 24), to: at(10 * 24) };

test.each<[string, CostStatsRequest, object]>([
  ['totals and percentiles', { window: month }, { requests: 48, p50DurationMs: 123.5 }],
  ['series', { window: month, bucket: 'DAY' }, { requests: 48 }],
  ['users', { window: month, groupBy: ['USER', 'MODEL'] }, { requests: 48 }],
  ['users of a kind', { window: month, kind: 'COMPLETION', groupBy: ['USER'] }, { requests: 48 }],
  ['keys', { window: month, groupBy: ['API_KEY'] }, { requests: 48 }],
  [
    'prompts',
    { window: month, prompt: 'greet', groupBy: ['VARIANT'], percentiles: false },
    { requests: 24 },
  ],
])('%s are answered from roll-ups alone', async (_, request, wanted) => {
  await using ledger = openLedger(database, { timeZone: 'Asia/Kathmandu' });
  const records = Array.from({ length: 48 }, (_each, hour) =>
    usageRecord({
      createdAt: at(hour),
      durationMs: 100 + hour,
      promptName: hour % 2 === 0 ? 'greet' : null,
    }),
  );
  await insertRecords(database, records);
  await rollUp(ledger);
  const before = await ledger.costStats(request);
  expect(before).toMatchObject(wanted);
  await hideRecords();
  expect(await ledger.costStats(request)).toEqual(before);
});

test('a record that comes late is counted at once, and its quarter of an hour made anew', async () => {
  await using ledger = openLedger(database);
  await insertRecords(database, [
    usageRecord({ createdAt: at(0) }),
    usageRecord({ createdAt: at(1) }),
  ]);
  await rollUp(ledger);
  const late = [at(0), at(0), at(40)].map((createdAt) => usageRecord({ createdAt }));
  await insertRecords(database, late);
  expect(await marks()).toBe(2);
  expect(await ledger.costStats({ window: month })).toMatchObject({ requests: 5 });
  expect(await rollUp(ledger)).toBe(2);
  expect(await marks()).toBe(0);
  await hideRecords();
  expect(await ledger.costStats({ window: month })).toMatchObject({ requests: 5 });
});

test('a record of these minutes leaves no mark, and is not rolled up yet', async () => {
  await using ledger = openLedger(database);
  await insertRecords(database, [usageRecord(), usageRecord({ createdAt: at(0) })]);
  expect(await marks()).toBe(1);
  await rollUp(ledger);
  expect(await requestsRolledUp()).toBe(1);
  expect(await ledger.costStats({ window: { last: 'P1Y' } })).toMatchObject({ requests: 2 });
});

test('two servers at once make each day once', async () => {
  await using one = openLedger(database);
  await using other = openLedger(database);
  const records = Array.from({ length: 30 }, (_, day) => usageRecord({ createdAt: at(-24 * day) }));
  await insertRecords(database, records);
  for (let idle = 0; idle < 3; ) {
    const busy = await Promise.all([one, other, one].map((ledger) => ledger.rollUpUsage()));
    idle = busy.some(Boolean) ? 0 : idle + 1;
  }
  const sets = await database.query(
    `SELECT "set", count(*)::int AS "rows", count(DISTINCT "start")::int AS "starts" FROM "UsageRollUp" GROUP BY 1 ORDER BY 1`,
  );
  expect(sets).toEqual(
    ['account', 'kind', 'prompt', 'user'].map((set) => ({ set, rows: 30, starts: 30 })),
  );
  expect(await database.query('SELECT FROM "UsageDurations"')).toHaveLength(30);
});

test('emptying the table of records empties the roll-ups', async () => {
  await using ledger = openLedger(database);
  await insertRecords(database, [usageRecord({ createdAt: at(0) })]);
  await rollUp(ledger);
  await database.query('TRUNCATE "UsageRecord"');
  expect(await requestsRolledUp()).toBe(0);
  expect(await ledger.costStats({ window: month })).toMatchObject({ requests: 0 });
});
