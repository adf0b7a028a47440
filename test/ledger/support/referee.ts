import { Decimal } from 'decimal.js';
import { expect } from 'vitest';
import type { Database } from '../../../src/data/database.ts';
import type { BilledCall } from '../../../src/demo-model/billing/billing-ledger.ts';
import type { DemoModel } from '../../../src/demo-model/demo-model-server.ts';
import { createPrices } from '../../../src/model/prices/create-prices.ts';

/** A usage record as the database has it; money as exact text. */
export interface BookedCall {
  id: string;
  runId: string;
  userId: string;
  kind: string;
  provider: string;
  model: string;
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  estimated: boolean;
  cached: boolean;
  cost: string | null;
  status: string;
  createdAt: Date;
}

export interface Verdict {
  /** What the provider billed since the last comparison. */
  billed: readonly BilledCall[];
  /** What the ledger has of it: cache hits and embeddings are `free` and `embeddings`. */
  records: BookedCall[];
  hits: BookedCall[];
  embeddings: BookedCall[];
}

const prices = createPrices();
const allowedDifference = (tokens: number): number => Math.max(20, tokens * 0.1);
const inputOf = (call: BilledCall): number =>
  call.inputTokens + call.cacheReadTokens + call.cacheWrite5mTokens + call.cacheWrite1hTokens;
const sum = (amounts: readonly (string | null)[]): string =>
  amounts.reduce((total, amount) => total.plus(amount ?? 0), new Decimal(0)).toFixed();

/**
 * Compares the provider's own books with the ledger's, call by call, since the last comparison: one record for each
 * billed call, exact for completed ones, flagged and near for those that were cut; and then the sums: what the records
 * cost is what the windows have spent, nothing is held, no call is open.
 */
export function createReferee({ demo, database }: { demo: DemoModel; database: Database }) {
  let seenBills = 0;
  const seenRecords = new Set<string>();
  return async function compare(): Promise<Verdict> {
    await demo.waitForOpenCalls(0);
    await expect.poll(() => unsettled(database), { timeout: 10_000 }).toEqual([]);
    const billed = demo.billing.calls.slice(seenBills);
    seenBills = demo.billing.calls.length;
    const fresh = (await readRecords(database)).filter(({ id }) => !seenRecords.has(id));
    for (const { id } of fresh) seenRecords.add(id);
    const hits = fresh.filter(({ cached }) => cached);
    const embeddings = fresh.filter(({ kind }) => kind === 'EMBEDDING');
    const records = fresh.filter((record) => !record.cached && record.kind !== 'EMBEDDING');
    for (const hit of hits) expect(hit).toMatchObject({ cost: '0', outputTokens: 0 });
    compareCalls(billed, records);
    await compareSums(database);
    return { billed, records, hits, embeddings };
  };
}

async function unsettled(database: Database): Promise<object[]> {
  return database.query(
    `SELECT 'hold' AS what, "runId"::text AS id FROM "Hold"
     UNION ALL SELECT 'run', id::text FROM "Run" WHERE "finishedAt" IS NULL AND status = 'RUNNING'`,
  );
}

async function readRecords(database: Database): Promise<BookedCall[]> {
  const rows = await database.query<BookedCall>(
    'SELECT * FROM "UsageRecord" ORDER BY "createdAt", id',
  );
  return rows.map((row) => ({ ...row, cost: row.cost && new Decimal(row.cost).toFixed() }));
}

function compareCalls(billed: readonly BilledCall[], records: readonly BookedCall[]): void {
  const told = JSON.stringify({ billed, records }, null, 1);
  expect(records.length, `as many records as billed calls: ${told}`).toBe(billed.length);
  const left = [...records];
  const take = (matches: (record: BookedCall) => boolean): BookedCall | undefined => {
    const at = left.findIndex(matches);
    return at < 0 ? undefined : left.splice(at, 1)[0];
  };
  // The surest pairs first: a record that is near two calls must not be taken from the one whose only match it is.
  let unmatched = billed;
  for (const isPair of pairings) {
    unmatched = unmatched.filter((call) => {
      const record = take((candidate) => isPair(candidate, call));
      if (record && isExact(record, call)) expect(record.cost).toBe(costOf(call, record));
      return !record;
    });
  }
  expect(unmatched, `billed, and in no record of ${told}`).toEqual([]);
  expect(left).toEqual([]);
}

/** Of a killed server's call, or one that was aborted on its last bytes, the provider may know more than the record. */
const pairings: readonly ((record: BookedCall, call: BilledCall) => boolean)[] = [
  (record, call) => !record.estimated && isExact(record, call),
  isExact,
  (record, call) =>
    record.estimated && isNear(record, call) && record.inputTokens === inputOf(call),
  (record, call) => record.estimated && isNear(record, call),
];

function isExact(record: BookedCall, call: BilledCall): boolean {
  return (
    record.model === call.model &&
    record.inputTokens === inputOf(call) &&
    record.cacheReadTokens === call.cacheReadTokens &&
    record.cacheWriteTokens === call.cacheWrite5mTokens + call.cacheWrite1hTokens &&
    record.outputTokens === call.outputTokens
  );
}

/** Of a killed server's call what it had stored is known, the last quarter of a second aside, and a bound of its input. */
function isNear(record: BookedCall, call: BilledCall): boolean {
  const difference = Math.abs(record.outputTokens - call.outputTokens);
  if (record.model !== call.model || difference > allowedDifference(call.outputTokens))
    return false;
  if (record.status === 'interrupted') return record.inputTokens >= inputOf(call);
  return record.inputTokens === inputOf(call);
}

function costOf(call: BilledCall, { createdAt }: BookedCall): string {
  return new Decimal(prices.costOf(call.model, call, createdAt) ?? 0).toFixed();
}

async function compareSums(database: Database): Promise<void> {
  const windows = await database.query<{ period: string; spent: string; held: string }>(
    `SELECT period, sum(spent)::text AS spent, sum(held)::text AS held FROM "SpendingWindow"
     WHERE scope IN ('USER', 'RUN') GROUP BY period`,
  );
  const costs = await database.query<{ cost: string | null }>(
    'SELECT cost::text AS cost FROM "UsageRecord"',
  );
  const total = sum(costs.map(({ cost }) => cost));
  for (const { period, spent, held } of windows) {
    expect(new Decimal(held).toFixed(), `held in ${period}`).toBe('0');
    if (period !== 'TOTAL') expect(new Decimal(spent).toFixed(), `spent in ${period}`).toBe(total);
  }
}
