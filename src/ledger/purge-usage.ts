import type { Database } from '../data/database.ts';

const batchRows = 5_000;

/**
 * Deletes what is older, a batch at a time so that no lock is held for long. Windows go a month later than the records
 * in them, so that the month in which a budget's days fall is never forgotten.
 */
export async function purgeUsage(database: Database, olderThan: Date): Promise<number> {
  let purged = 0;
  for (;;) {
    const rows = await database.query<{ id: string }>(
      `DELETE FROM "UsageRecord" WHERE "id" IN (
         SELECT "id" FROM "UsageRecord" WHERE "createdAt" < $1 ORDER BY "createdAt" LIMIT ${batchRows})
       RETURNING "id"`,
      [olderThan],
    );
    purged += rows.length;
    if (rows.length < batchRows) break;
  }
  await database.query('DELETE FROM "Alert" WHERE "createdAt" < $1', [olderThan]);
  await database.query(
    `DELETE FROM "BudgetWindow" WHERE "createdAt" < $1::timestamptz - interval '32 days' AND "held" = 0`,
    [olderThan],
  );
  return purged;
}
