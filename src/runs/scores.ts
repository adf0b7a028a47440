import type { Database } from '../data/database.ts';
import { newId } from '../data/new-id.ts';
import type { ScoreRecord } from './runs.ts';

const columns = `id, "runId", name, value, comment, "createdAt"`;

/** One user's newest score of a run by a name takes the former one's place. */
export async function storeScore(
  database: Database,
  score: { runId: string; name: string; value: number; comment: string | null; userId: string },
): Promise<ScoreRecord> {
  const { runId, name, value, comment, userId } = score;
  const [row] = await database.query<ScoreRecord>(
    `WITH changed AS (
       UPDATE "Score" SET value = $4, comment = $5, "createdAt" = now()
       WHERE "runId" = $2 AND name = $3 AND "userId" = $6 RETURNING ${columns}
     ), made AS (
       INSERT INTO "Score" (id, "runId", name, value, comment, "userId")
       SELECT $1, $2, $3, $4, $5, $6 WHERE NOT EXISTS (SELECT FROM changed) RETURNING ${columns}
     )
     SELECT * FROM changed UNION ALL SELECT * FROM made ORDER BY id DESC LIMIT 1`,
    [newId(), runId, name, value, comment, userId],
  );
  return row!;
}

/** Of each run, oldest first. */
export async function readScoresOf(
  database: Database,
  runIds: readonly string[],
): Promise<ScoreRecord[][]> {
  const rows = await database.query<ScoreRecord>(
    `SELECT ${columns} FROM "Score" WHERE "runId" = ANY($1::uuid[]) ORDER BY "createdAt", id`,
    [runIds],
  );
  const byRun = Map.groupBy(rows, ({ runId }) => runId);
  return runIds.map((runId) => byRun.get(runId) ?? []);
}

/** By id, in the order asked; null where there is none. */
export async function readScores(
  database: Database,
  ids: readonly string[],
): Promise<(ScoreRecord | null)[]> {
  const rows = await database.query<ScoreRecord>(
    `SELECT ${columns} FROM "Score" WHERE id = ANY($1::uuid[])`,
    [ids],
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id) ?? null);
}
