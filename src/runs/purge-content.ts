import type { Database } from '../data/database.ts';

const batchRuns = 100;

/**
 * Forgets what was asked and said in runs that ended before `olderThan`: input, text, output, notes, the events but the first
 * and the last, the approvals' inputs and reasons, the scores' comments. The rows stay with what they were and cost, and
 * so do the usage records. Any number of servers may do it at once: a batch is one statement, and skips what another
 * has. Resolves with how many runs; stops between two batches when the signal says so.
 */
export async function purgeContent(
  database: Database,
  { olderThan, signal }: { olderThan: Date; signal?: AbortSignal },
): Promise<number> {
  let purged = 0;
  while (!signal?.aborted) {
    const rows = await database.query(purgeBatch, [olderThan]);
    purged += rows.length;
    if (rows.length < batchRuns) break;
  }
  return purged;
}

/** An emptied input marks what is done. A sub-agent's words are kept while the run it worked for is not over. */
const purgeBatch = `
  WITH old AS MATERIALIZED (
    SELECT r.id FROM "Run" r
    WHERE r."finishedAt" < $1 AND r.input <> '{}'::jsonb
      AND NOT EXISTS (SELECT FROM "Run" p WHERE p.id = r."parentRunId" AND p."finishedAt" IS NULL)
    ORDER BY r.id LIMIT ${batchRuns} FOR UPDATE OF r SKIP LOCKED
  ), events AS (
    DELETE FROM "RunEvent" e USING old
    WHERE e."runId" = old.id AND e.type NOT IN ('RunStarted', 'RunFinished', 'RunFailed')
  ), failures AS (
    UPDATE "RunEvent" e SET payload = jsonb_set(e.payload::jsonb, '{error,details}', '{"text": "", "issues": []}')::json
    FROM old WHERE e."runId" = old.id AND e.type = 'RunFailed' AND e.payload->'error'->>'code' = 'OUTPUT_INVALID'
  ), approvals AS (
    UPDATE "Approval" a SET input = '{}', "editedInput" = NULL, reason = NULL FROM old WHERE a."runId" = old.id
  ), scores AS (
    UPDATE "Score" s SET comment = NULL FROM old WHERE s."runId" = old.id AND s.comment IS NOT NULL
  )
  UPDATE "Run" r SET input = '{}', text = '', output = NULL, metadata = NULL,
    error = CASE WHEN r.error->>'code' = 'OUTPUT_INVALID'
      THEN jsonb_set(r.error, '{details}', '{"text": "", "issues": []}') ELSE r.error END
  FROM old WHERE r.id = old.id RETURNING r.id`;
