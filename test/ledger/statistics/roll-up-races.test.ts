import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Database } from '../../../src/data/database.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { clearLedger, insertRecords, openLedger, usageRecord } from '../support/ledger-fixture.ts';

let database: Database;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database?.close());
beforeEach(() => clearLedger(database));

const start = Date.UTC(2026, 2, 27);
const minuteMs = 60_000;
const at = (minutes: number): Date => new Date(start + minutes * minuteMs);
const window = { from: at(-3), to: at(3 * 24 * 60 + 7) };

/** What there is to say of the records, one after the other and in the same words as the statistics. */
const summedUp = async (): Promise<{ requests: number; inputTokens: number }> => {
  const [row] = await database.query<{ requests: number; inputTokens: number }>(
    `SELECT count(*)::int AS "requests", coalesce(sum("inputTokens"), 0)::int AS "inputTokens" FROM "UsageRecord"`,
  );
  return row!;
};

test('however late writers, purges and roll-ups fall together, every record is counted', async () => {
  await using one = openLedger(database);
  await using other = openLedger(database);
  for (let round = 0; round < 6; round++) {
    const writers = Array.from({ length: 3 }, async (_, writer) => {
      for (let turn = 0; turn < 12; turn++) {
        const minutes = ((writer * 977 + turn * 389 + round * 131) % (3 * 24 * 60)) + 1;
        const inputTokens = 1 + ((turn * 7) % 50);
        await insertRecords(database, [usageRecord({ createdAt: at(minutes), inputTokens })]);
        if (turn % 5 === 4)
          await database.query(
            `UPDATE "UsageRecord" SET "inputTokens" = "inputTokens" + 1 WHERE "createdAt" = $1`,
            [at(minutes)],
          );
      }
    });
    const rollers = [one, other].map(async (ledger) => {
      for (let step = 0; step < 8; step++) await ledger.rollUpUsage();
    });
    await Promise.all([...writers, ...rollers, one.purgeUsage(at(round * 120))]);
    const wanted = await summedUp();
    expect(await one.costStats({ window, groupBy: ['USER'] })).toMatchObject(wanted);
    expect(await one.costStats({ window, groupBy: ['KIND'], bucket: 'HOUR' })).toMatchObject(
      wanted,
    );
  }
});

test('a transaction that has written and goes on holds up roll-ups, and nobody else', async () => {
  // The embedded database has one connection: nothing happens beside a transaction.
  if (database.kind === 'embedded') return;
  await using ledger = openLedger(database);
  await insertRecords(database, [usageRecord({ createdAt: at(1) })]);
  await database.transaction(async (transaction) => {
    await transaction.query('SELECT pg_current_xact_id()');
    expect(await ledger.rollUpUsage()).toBe(false);
    expect(await ledger.costStats({ window })).toMatchObject({ requests: 1 });
  });
  expect(await ledger.rollUpUsage()).toBe(true);
});
