import type { Database } from '../data/database.ts';

const batchRuns = 100;

/** Ended runs: of before a moment, of a user, or of a conversation with those that work for its runs. */
export type ForgottenRuns = { olderThan: Date } | { userId: string } | { conversationId: string };

/**
 * Forgets what was asked and said in runs that have ended: input, text, output, notes, the events but the first and the
 * last, the approvals' inputs and reasons, the scores' comments. The rows stay with what they were and cost, and so do the
 * usage records. Any number of servers may do it at once: a batch is one statement, and skips what another has. Resolves
 * with how many runs; stops between two batches when the signal says so.
 */
export async function purgeContent(
  database: Database,
  runs: ForgottenRuns,
  signal?: AbortSignal,
): Promise<number> {
  const { condition, value } = conditionOf(runs);
  let purged = 0;
  while (!signal?.aborted) {
    const rows = await database.query(purgeBatch(condition), [value]);
    purged += rows.length;
    if (rows.length < batchRuns) break;
  }
  return purged;
}

function conditionOf(runs: ForgottenRuns): { condition: string; value: unknown } {
  if ('olderThan' in runs) return { condition: 'r."finishedAt" < $1', value: runs.olderThan };
  if ('userId' in runs) {
    return { condition: 'r."userId" = $1 AND r."finishedAt" IS NOT NULL', value: runs.userId };
  }
  const condition = 'r."conversationId" = $1::uuid AND r."finishedAt" IS NOT NULL';
  return { condition, value: runs.conversationId };
}

/** An emptied input marks what is done. A sub-agent's words are kept while the run it worked for is not over. */
const purgeBatch = (condition: string): string => `
  WITH old AS MATERIALIZED (
    SELECT r.id FROM "Run" r
    WHERE ${condition} AND r.input <> '{}'::jsonb
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
