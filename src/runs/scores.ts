import type { Database } from '../data/database.ts';
import { newId } from '../data/new-id.ts';
import type { ScoreRecord } from './runs.ts';

const columns = `id, "runId", name, value, comment, "createdAt"`;

export async function insertScore(
  database: Database,
  score: { runId: string; name: string; value: number; comment: string | null; userId: string },
): Promise<ScoreRecord> {
  const { runId, name, value, comment, userId } = score;
  const [row] = await database.query<ScoreRecord>(
    `INSERT INTO "Score" (id, "runId", name, value, comment, "userId") VALUES ($1, $2, $3, $4, $5, $6)
     RETURNING ${columns}`,
    [newId(), runId, name, value, comment, userId],
  );
  return row!;
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
