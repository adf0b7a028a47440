import type { Database } from '../../data/database.ts';

const batchRows = 5_000;

/**
 * Deletes what is older, a batch at a time so that no lock is held for long. What a run's records summed to is kept.
 * Windows go a month later than the records in them, so that the month in which a budget's days fall is never forgotten,
 * and so do the alerts of budgets, which would be raised again while their window lasts.
 */
export async function purgeUsage(database: Database, olderThan: Date): Promise<number> {
  let purged = 0;
  for (;;) {
    const rows = await database.query<{ id: string }>(
      `WITH gone AS (
         DELETE FROM "UsageRecord" WHERE "id" IN (
           SELECT "id" FROM "UsageRecord" WHERE "createdAt" < $1 ORDER BY "createdAt" LIMIT ${batchRows})
         RETURNING *
       ), kept AS (
         INSERT INTO "PurgedUsage" AS p SELECT "runId", sum("inputTokens"), sum("outputTokens"), sum("cacheReadTokens"),
           sum("cacheWriteTokens"), bool_or("estimated"), CASE WHEN bool_and("cost" IS NOT NULL) THEN sum("cost") END
         FROM gone WHERE EXISTS (SELECT 1 FROM "Run" r WHERE r."id" = gone."runId") GROUP BY "runId" ORDER BY "runId"
         ON CONFLICT ("runId") DO UPDATE SET "inputTokens" = p."inputTokens" + excluded."inputTokens",
           "outputTokens" = p."outputTokens" + excluded."outputTokens",
           "cacheReadTokens" = p."cacheReadTokens" + excluded."cacheReadTokens",
           "cacheWriteTokens" = p."cacheWriteTokens" + excluded."cacheWriteTokens",
           "estimated" = p."estimated" OR excluded."estimated", "cost" = p."cost" + excluded."cost"
       ) SELECT "id" FROM gone`,
      [olderThan],
    );
    purged += rows.length;
    if (rows.length < batchRows) break;
  }
  await database.query(
    `DELETE FROM "Alert" WHERE "createdAt" < $1::timestamptz
       - CASE WHEN "crossing" LIKE 'budget:%' THEN interval '32 days' ELSE interval '0' END`,
    [olderThan],
  );
  await database.query(
    `DELETE FROM "SpendingWindow" WHERE "createdAt" < $1::timestamptz - interval '32 days' AND "held" = 0`,
    [olderThan],
  );
  return purged;
}
