import type { Database } from '../data/database.ts';
import type { Log } from '../kernel/log.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { purgeContent } from '../runs/purge-content.ts';

const dayMs = 86_400_000;
const hourMs = 3_600_000;

/** What has a date of expiry of its own, and is of no use behind it. */
const expiring = ['IdempotencyKey', 'CachedResponse', 'Session'];
/** What the embedded database would let grow, without an autovacuum: rows that are changed or deleted all the time. */
const churning = ['Run', 'RunEvent', 'Server', 'UsageRollUp', 'UsageDurations', ...expiring];
const batchRows = 1_000;

export interface RetentionOptions {
  database: Database;
  ledger: Pick<Ledger, 'purgeUsage'>;
  /** After how many days usage records go; null keeps them for ever. */
  usageDays: number | null;
  /** After how many days what was said in runs goes; null keeps it for ever. */
  contentDays: number | null;
  log: Log;
  /** Default an hour. */
  intervalMs?: number;
}

export interface Retention {
  /** Resolves when the first pass is over, or the one that is under way. */
  settled(): Promise<void>;
  /** Ends what is under way at the next batch. */
  close(): Promise<void>;
}

/**
 * Forgets what is too old: now, and every hour. Every server does it by small deletes that do no harm when two do them
 * at once; a step that fails is logged, and tried again in an hour.
 */
export function startRetention(options: RetentionOptions): Retention {
  const stop = new AbortController();
  const pass = async (): Promise<void> => {
    for (const [what, work] of Object.entries(stepsOf(options, stop.signal))) {
      if (stop.signal.aborted) return;
      try {
        const count = await work();
        if (count > 0) options.log.info({ count }, what);
      } catch (error) {
        if (!stop.signal.aborted) options.log.error({ err: error }, `${what}: this failed`);
      }
    }
  };
  let passing = pass();
  const timer = setInterval(() => {
    passing = passing.then(pass);
  }, options.intervalMs ?? hourMs);
  timer.unref();
  return {
    settled: () => passing,
    close() {
      clearInterval(timer);
      stop.abort();
      return passing;
    },
  };
}

/** Each resolves with how many rows it concerned. */
function stepsOf(
  { database, ledger, usageDays, contentDays }: RetentionOptions,
  signal: AbortSignal,
): Record<string, () => Promise<number>> {
  const before = (days: number): Date => new Date(Date.now() - days * dayMs);
  return {
    'old usage records are forgotten': async () =>
      usageDays === null ? 0 : ledger.purgeUsage(before(usageDays)),
    'the content of old runs is forgotten': async () =>
      contentDays === null ? 0 : purgeContent(database, { olderThan: before(contentDays) }, signal),
    'old answers are no longer kept': async () =>
      contentDays === null
        ? 0
        : deleteInBatches(database, 'CachedResponse', {
            sql: '"createdAt" < $1',
            value: before(contentDays),
          }),
    'what has expired is removed': () => removeExpired(database),
    'the embedded database is tidied': async () => {
      if (database.kind === 'embedded') await tidy(database, signal);
      return 0;
    },
  };
}

async function removeExpired(database: Database): Promise<number> {
  let removed = 0;
  for (const table of expiring) {
    removed += await deleteInBatches(database, table, {
      sql: '"expiresAt" < $1',
      value: new Date(),
    });
  }
  return removed;
}

async function deleteInBatches(
  database: Database,
  table: string,
  { sql, value }: { sql: string; value: Date },
): Promise<number> {
  for (let removed = 0; ; ) {
    const rows = await database.query(
      `DELETE FROM "${table}" WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM "${table}" WHERE ${sql} LIMIT ${batchRows} FOR UPDATE SKIP LOCKED))
       RETURNING 1`,
      [value],
    );
    removed += rows.length;
    if (rows.length < batchRows) return removed;
  }
}

/** Table by table: whoever waits for the only connection gets his turn in between. */
async function tidy(database: Database, signal: AbortSignal): Promise<void> {
  for (const table of churning) {
    if (signal.aborted) return;
    await database.query(`VACUUM (ANALYZE) "${table}"`);
  }
}
