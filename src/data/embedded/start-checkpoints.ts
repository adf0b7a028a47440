import type { Log } from '../../kernel/log.ts';
import type { Queryable } from '../database.ts';

export interface CheckpointOptions {
  database: Queryable;
  log: Log;
  /** Write-ahead log that calls for a checkpoint, in bytes. Default 64 MB: a second's work for the next start. */
  walBytes?: number;
  /** Default 10 s. */
  intervalMs?: number;
}

/** A checkpoint is due after so long even if little was written, so that the log does not keep old pages alive. */
const maxAge = '15 minutes';

const due = `SELECT written >= $1 OR (written > 1000000 AND age > interval '${maxAge}') AS due
  FROM (SELECT pg_current_wal_insert_lsn() - redo_lsn AS written, now() - checkpoint_time AS age
        FROM pg_control_checkpoint()) AS latest`;

/**
 * PostgreSQL without its background processes never makes a checkpoint by itself: the write-ahead log would grow for as
 * long as the server runs, and the next start would replay all of it.
 */
export function startCheckpoints({
  database,
  log,
  walBytes = 64_000_000,
  intervalMs = 10_000,
}: CheckpointOptions): { close(): Promise<void> } {
  const pass = async (): Promise<void> => {
    try {
      const [row] = await database.query<{ due: boolean }>(due, [walBytes]);
      if (row?.due) await database.query('CHECKPOINT');
    } catch (error) {
      log.warn({ err: error }, 'no checkpoint was made; will retry');
    }
  };
  let passing = Promise.resolve();
  const timer = setInterval(() => {
    passing = passing.then(pass);
  }, intervalMs);
  timer.unref();
  return {
    close() {
      clearInterval(timer);
      return passing;
    },
  };
}
