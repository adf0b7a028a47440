import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Database } from '../../../src/data/database.ts';
import { InvalidWindowError } from '../../../src/ledger/statistics/invalid-window-error.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { clearLedger, insertRecords, openLedger, usageRecord } from '../support/ledger-fixture.ts';
import { arbitraryRecord, arbitraryRequest, expectExact, now, start } from './statistics-model.ts';

let database: Database;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database?.close());
beforeEach(() => clearLedger(database));

test('statistics are what summing up one record after the other gives', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(arbitraryRecord, { maxLength: 60 }),
      fc.array(arbitraryRequest, { minLength: 1, maxLength: 4 }),
      fc.constantFrom('UTC', 'Asia/Kathmandu', 'America/New_York'),
      async (records, requests, timeZone) => {
        await clearLedger(database);
        await insertRecords(database, records);
        const ledger = openLedger(database, { now: () => now, timeZone });
        for (const request of requests)
          expectExact(await ledger.costStats(request), request, records);
        await ledger.close();
      },
    ),
    { numRuns: 40 },
  );
});

test('percentiles can be left out', async () => {
  await using ledger = openLedger(database, { now: () => now });
  const records = [usageRecord({ createdAt: new Date(start), durationMs: 70 })];
  await insertRecords(database, records);
  const window = { last: 'P5D' };
  expect(await ledger.costStats({ window, percentiles: false })).toMatchObject({
    requests: 1,
    averageDurationMs: 70,
    p50DurationMs: null,
    p99DurationMs: null,
  });
  expect(await ledger.costStats({ window })).toMatchObject({ p50DurationMs: 70 });
});

test('an empty window has zeros, no averages, and its buckets', async () => {
  await using ledger = openLedger(database, { now: () => now });
  const stats = await ledger.costStats({ bucket: 'MINUTE' });
  expect(stats).toMatchObject({ requests: 0, totalCost: '0', averageDurationMs: null });
  expect(stats.p50DurationMs).toBeNull();
  expect(stats.series).toHaveLength(60);
});

test('days begin at midnight of the time zone, also when the clocks change', async () => {
  await using ledger = openLedger(database, { timeZone: 'Europe/Berlin' });
  const at = (createdAt: string) => usageRecord({ createdAt: new Date(createdAt), cost: '1' });
  await insertRecords(database, [
    at('2026-03-28T22:59:59.999Z'),
    at('2026-03-28T23:00:00.000Z'),
    at('2026-03-29T21:59:59.999Z'),
    at('2026-03-29T22:00:00.000Z'),
  ]);
  const { series } = await ledger.costStats({
    window: { from: new Date('2026-03-28T00:00:00Z'), to: new Date('2026-03-30T00:00:00Z') },
    bucket: 'DAY',
  });
  expect(series.map(({ start: day, totalCost }) => [day.toISOString(), totalCost])).toEqual([
    ['2026-03-27T23:00:00.000Z', '1'],
    ['2026-03-28T23:00:00.000Z', '2'],
    ['2026-03-29T22:00:00.000Z', '1'],
  ]);
  const march = await ledger.costStats({
    window: { last: 'P1M', to: new Date('2026-04-01T00:00:00Z') },
    bucket: 'MONTH',
  });
  expect(march.series.map((point) => point.start.toISOString())).toEqual([
    '2026-02-28T23:00:00.000Z',
    '2026-03-31T22:00:00.000Z',
  ]);
});

test.each([
  [{ window: { last: 'yesterday' } }, /no ISO 8601 duration/],
  [{ window: { last: 'P' } }, /no ISO 8601 duration/],
  [{ window: { last: 'P1DT' } }, /no ISO 8601 duration/],
  [{ window: { last: 'PT0S' } }, /empty/],
  [{ window: { last: 'P999Y' } }, /too long/],
  [{ window: { last: 'PT1H', from: now } }, /not both/],
  [{ window: { from: now, to: now } }, /before/],
  [{ window: { last: 'P7D' }, bucket: 'MINUTE' as const }, /10080 buckets/],
])('a window that makes no sense is refused: %j', async (request, message) => {
  await using ledger = openLedger(database, { now: () => now });
  const refusal = ledger.costStats(request);
  await expect(refusal).rejects.toThrow(InvalidWindowError);
  await expect(refusal).rejects.toThrow(message);
});
