import { type AlertJson, alertFromJson } from '../alerts/alert-record.ts';
import { isPermanent, within } from '../database-errors.ts';
import type { UsageRecordRow } from '../ledger.ts';
import type { LedgerContext } from '../ledger-context.ts';
import {
  type NewUsageRecord,
  type StoredUsageRecord,
  usageRecordFrom,
} from '../usage/usage-row.ts';
import { createBatchQueue } from './batch-queue.ts';

const attemptMs = 10_000;
const maxPauseMs = 5_000;
/** The embedded database has no autovacuum, and the rows of ended holds would stay: 400 bytes of each call. */
const vacuumAfterHolds = 5_000;

/** A hold that ends, the records of what was billed under it, or one of the two. */
export interface Settlement {
  holdId: string | null;
  records: readonly NewUsageRecord[];
  /** The run with a limit of its own and the access tokens that the records are charged to: scope and id. */
  envelopes: readonly (readonly [scope: string, id: string])[];
}

interface Entry extends Settlement {
  resolve(records: UsageRecordRow[]): void;
  reject(error: unknown): void;
}

interface Answer {
  now: string;
  written: number;
  stored: StoredUsageRecord[];
  alerts: AlertJson[];
}

export interface Settlements {
  /** Resolves with the records as they stand in the database, once they do. */
  write(settlement: Settlement): Promise<UsageRecordRow[]>;
  /** Writes records of holds that are still there and nothing else; resolves with how many. Not retried. */
  writeIfHeld(settlements: readonly Settlement[]): Promise<number>;
  pending(): number;
  idle(): Promise<void>;
  /** From now on a failed attempt is followed by the next one without much ado, and given up at `deadline`. */
  finish(deadline: number): Promise<void>;
}

/** The writing half of the ledger: many calls' records, windows and holds in one transaction, tried until it is done. */
export function createSettlements(context: LedgerContext): Settlements {
  let deadline = Number.POSITIVE_INFINITY;
  let endedHolds = 0;
  const batches = createBatchQueue<Entry>({
    limit: 256,
    async run(batch) {
      const again = await settleBatch(context, batch);
      endedHolds += batch.length;
      if (context.database.kind === 'embedded' && endedHolds >= vacuumAfterHolds) {
        endedHolds = 0;
        await vacuum(context);
      }
      if (again.length === 0 || Date.now() < deadline) return again;
      const error = new Error('The ledger was closed before the record could be written.');
      for (const entry of again) entry.reject(error);
      return [];
    },
    pauseMs: (failures) =>
      Number.isFinite(deadline) ? 100 : Math.min(maxPauseMs, 50 * 2 ** Math.min(failures, 10)),
  });
  return {
    write: (settlement) =>
      new Promise((resolve, reject) => batches.push({ ...settlement, resolve, reject })),
    async writeIfHeld(settlements) {
      const { written, alerts } = await writeAll(context, settlements, true);
      context.announce(alerts.map(alertFromJson));
      return written;
    },
    pending: () => batches.size(),
    idle: () => batches.idle(),
    async finish(until) {
      deadline = until;
      batches.flush();
      await batches.idle();
    },
  };
}

async function vacuum({ database, log }: LedgerContext): Promise<void> {
  try {
    await database.query('VACUUM ANALYZE "Hold", "SpendingWindow"');
  } catch (error) {
    log.warn({ err: error }, 'the space of ended holds could not be reclaimed');
  }
}

/** Returns what is to be tried again. */
async function settleBatch(context: LedgerContext, batch: Entry[]): Promise<Entry[]> {
  try {
    const answer = await within(attemptMs, writeAll(context, batch, false));
    const stored = new Map(answer.stored.map((row) => [row.id, row]));
    for (const entry of batch)
      entry.resolve(entry.records.map((record) => asWritten(record, stored, answer.now)));
    context.announce(answer.alerts.map(alertFromJson));
    return [];
  } catch (error) {
    if (!isPermanent(error)) {
      context.log.warn(
        { err: error, settlements: batch.length },
        'the ledger could not write: it will try again',
      );
      return batch;
    }
    if (batch.length > 1) return settleOneByOne(context, batch);
    context.log.error({ err: error, holdId: batch[0]?.holdId }, 'a settlement cannot be written');
    batch[0]?.reject(error);
    return [];
  }
}

/** One that can't be written must not keep the others of its batch from being. */
async function settleOneByOne(context: LedgerContext, batch: Entry[]): Promise<Entry[]> {
  const again: Entry[] = [];
  for (const entry of batch) again.push(...(await settleBatch(context, [entry])));
  return again;
}

function asWritten(
  record: NewUsageRecord,
  stored: ReadonlyMap<string, StoredUsageRecord>,
  now: string,
): UsageRecordRow {
  const row = stored.get(record.id);
  return row ? usageRecordFrom(row) : { ...record, createdAt: record.createdAt ?? new Date(now) };
}

async function writeAll(
  context: LedgerContext,
  settlements: readonly Settlement[],
  onlyHeld: boolean,
): Promise<Answer> {
  const envelopes = settlements.flatMap(({ records, envelopes }) =>
    envelopes.length > 0 ? records.map(({ id }) => [id, envelopes] as const) : [],
  );
  const [row] = await context.database.query<{ answer: Answer }>(
    'SELECT ledger_settle($1::uuid[], $2::jsonb, $3::jsonb, $4, $5, $6::numeric, $7::timestamptz) AS answer',
    [
      settlements.flatMap(({ holdId }) => (holdId ? [holdId] : [])),
      JSON.stringify(settlements.flatMap(({ records }) => records)),
      JSON.stringify(Object.fromEntries(envelopes)),
      onlyHeld,
      context.timeZone,
      context.highCostThreshold,
      context.now(),
    ],
  );
  return row!.answer;
}
