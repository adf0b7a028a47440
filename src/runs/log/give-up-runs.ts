import type { Database } from '../../data/database.ts';
import { DomainError } from '../../kernel/errors.ts';
import type { NewRun } from './run-rows.ts';
import { writeBatch } from './write-batch.ts';

const unwritable = new DomainError(
  'RUN_INTERRUPTED',
  'What the run said cannot be stored, so it was ended.',
  { retryable: false },
);

/**
 * Ends runs in the database whose content it refuses. What was asked may be what is refused: a run that has no row yet
 * gets one without.
 */
export async function giveUpRuns(
  database: Database,
  created: readonly NewRun[],
  runIds: readonly string[],
): Promise<void> {
  const rows = created.map((run) => ({ ...run, input: {}, metadata: null }));
  await writeBatch(database, { created: rows, parts: [], endings: [] }, null);
  await database.query(
    `UPDATE "Run" SET status = 'FAILED', "finishedAt" = now(), error = $2::jsonb
     WHERE id = ANY($1::uuid[]) AND "finishedAt" IS NULL`,
    [runIds, JSON.stringify(unwritable)],
  );
}
