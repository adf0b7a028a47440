import { type AlertJson, alertFromJson } from '../alerts/alert-record.ts';
import { type BatchQueue, createBatchQueue } from '../batch-queue.ts';
import { isPermanent, within } from '../database-errors.ts';
import type { UsageRecordRow } from '../ledger.ts';
import type { LedgerContext } from '../ledger-context.ts';
import {
  type NewUsageRecord,
  type StoredUsageRecord,
  usageRecordFrom,
} from '../usage/usage-row.ts';

const attemptMs = 10_000;
const maxPauseMs = 5_000;
/** The embedded database has no autovacuum, and the rows of ended holds would stay: 400 bytes of each call. */
const vacuumAfterHolds = 5_000;

/** A hold that ends, the records of what was billed under it, or one of the two. */
export interface Settlement {
  holdId: string | null;
  records: readonly NewUsageRecord[];
  /** The run whose own bound the records draw from. */
  envelopeRunId: string | null;
}

/** A settlement on its way. */
export interface SettlementEntry extends Settlement {
  resolve(records: UsageRecordRow[]): void;
  reject(error: unknown): void;
}

/** As `ledger_settle` returns it. */
export interface SettlementAnswer {
  now: string;
  written: number;
  stored: StoredUsageRecord[];
  alerts: AlertJson[];
}

/** The writing half of the ledger: many calls' records, windows and holds in one transaction, tried until it is done. */
export class Settlements {
  readonly #context: LedgerContext;
  readonly #batches: BatchQueue<SettlementEntry>;
  #deadline = Number.POSITIVE_INFINITY;
  #endedHolds = 0;

  constructor(context: LedgerContext) {
    this.#context = context;
    this.#batches = createBatchQueue<SettlementEntry>({
      limit: 256,
      run: (batch) => this.#runBatch(batch),
      pauseMs: (failures) => {
        if (Number.isFinite(this.#deadline)) return 100;
        return Math.min(maxPauseMs, 50 * 2 ** Math.min(failures, 10));
      },
    });
  }

  /** Resolves with the records as they stand in the database, once they do. */
  write(settlement: Settlement): Promise<UsageRecordRow[]> {
    return new Promise((resolve, reject) => this.#batches.push({ ...settlement, resolve, reject }));
  }

  push(entry: SettlementEntry): void {
    this.#batches.push(entry);
  }

  /** Writes records of holds that are still there and nothing else; resolves with how many. Not retried. */
  async writeIfHeld(settlements: readonly Settlement[]): Promise<number> {
    const { written, alerts } = await writeAll(this.#context, settlements, true);
    this.#context.announce(alerts.map(alertFromJson));
    return written;
  }

  /** What the statement of a batch has answered. */
  answered(batch: readonly SettlementEntry[], answer: SettlementAnswer): void {
    const stored = new Map(answer.stored.map((row) => [row.id, row]));
    for (const entry of batch) {
      entry.resolve(entry.records.map((record) => asWritten(record, stored, answer.now)));
    }
    this.#context.announce(answer.alerts.map(alertFromJson));
    this.#endedHolds += batch.length;
    if (this.#context.database.kind !== 'embedded' || this.#endedHolds < vacuumAfterHolds) return;
    this.#endedHolds = 0;
    void vacuum(this.#context);
  }

  idle(): Promise<void> {
    return this.#batches.idle();
  }

  /** From now on a failed attempt is followed by the next one without much ado, and given up at `deadline`. */
  async finish(deadline: number): Promise<void> {
    this.#deadline = deadline;
    this.#batches.flush();
    await this.#batches.idle();
  }

  async #runBatch(batch: SettlementEntry[]): Promise<SettlementEntry[]> {
    const again = await this.#settleBatch(batch);
    if (again.length === 0 || Date.now() < this.#deadline) return again;
    const error = new Error('The ledger was closed before the record could be written.');
    for (const entry of again) entry.reject(error);
    return [];
  }

  /** Returns what is to be tried again. */
  async #settleBatch(batch: SettlementEntry[]): Promise<SettlementEntry[]> {
    const { log } = this.#context;
    try {
      this.answered(batch, await within(attemptMs, writeAll(this.#context, batch, false)));
      return [];
    } catch (error) {
      if (!isPermanent(error)) {
        const fields = { err: error, settlements: batch.length };
        log.warn(fields, 'the ledger could not write: it will try again');
        return batch;
      }
      if (batch.length > 1) return this.#settleOneByOne(batch);
      log.error({ err: error, holdId: batch[0]?.holdId }, 'a settlement cannot be written');
      batch[0]?.reject(error);
      return [];
    }
  }

  /** One that can't be written must not keep the others of its batch from being. */
  async #settleOneByOne(batch: SettlementEntry[]): Promise<SettlementEntry[]> {
    const again: SettlementEntry[] = [];
    for (const entry of batch) again.push(...(await this.#settleBatch([entry])));
    return again;
  }
}

async function vacuum({ database, log }: LedgerContext): Promise<void> {
  try {
    await database.query('VACUUM ANALYZE "Hold", "BudgetWindow"');
  } catch (error) {
    log.warn({ err: error }, 'the space of ended holds could not be reclaimed');
  }
}

function asWritten(
  record: NewUsageRecord,
  stored: ReadonlyMap<string, StoredUsageRecord>,
  now: string,
): UsageRecordRow {
  const row = stored.get(record.id);
  return row ? usageRecordFrom(row) : { ...record, createdAt: record.createdAt ?? new Date(now) };
}

/** The arguments of `ledger_settle` that depend on the calls. */
export interface SettlementArguments {
  holds: readonly string[];
  records: readonly NewUsageRecord[];
  envelopes: Readonly<Record<string, string>>;
}

export function settlementArguments(settlements: readonly Settlement[]): SettlementArguments {
  const envelopes = settlements.flatMap(({ records, envelopeRunId }) =>
    envelopeRunId ? records.map(({ id }) => [id, envelopeRunId] as const) : [],
  );
  return {
    holds: settlements.flatMap(({ holdId }) => holdId ?? []),
    records: settlements.flatMap(({ records }) => records),
    envelopes: Object.fromEntries(envelopes),
  };
}

async function writeAll(
  context: LedgerContext,
  settlements: readonly Settlement[],
  onlyHeld: boolean,
): Promise<SettlementAnswer> {
  const { holds, records, envelopes } = settlementArguments(settlements);
  const [row] = await context.database.query<{ answer: SettlementAnswer }>(
    'SELECT ledger_settle($1::uuid[], $2::jsonb, $3::jsonb, $4, $5, $6::numeric, $7::timestamptz) AS answer',
    [
      holds,
      JSON.stringify(records),
      JSON.stringify(envelopes),
      onlyHeld,
      context.timeZone,
      context.highCostThreshold,
      context.now(),
    ],
  );
  return row!.answer;
}
