import type { Queryable } from '../../data/database.ts';
import type { RunEvent, RunEventBody } from '../../kernel/events.ts';

interface EventRow {
  runId: string;
  position: number;
  length: number;
  type: string;
  payload: Record<string, unknown>;
  at: Date;
}

const eventOf = ({ runId, position, length, type, payload, at }: EventRow): RunEvent => ({
  ...({ type, ...payload } as RunEventBody),
  runId,
  position,
  length,
  at,
});

/** Events of one run behind a position, in order, at most `limit`. */
export async function readStoredEvents(
  database: Queryable,
  runId: string,
  { after = 0, limit = 1_000 }: { after?: number; limit?: number } = {},
): Promise<RunEvent[]> {
  const rows = await database.query<EventRow>(
    `SELECT "runId", position, length, type, payload, at FROM "RunEvent"
     WHERE "runId" = $1 AND position > $2 ORDER BY position LIMIT $3`,
    [runId, after, limit],
  );
  return rows.map(eventOf);
}

/** All events of several runs, in the order asked. */
export async function readAllStoredEvents(
  database: Queryable,
  runIds: readonly string[],
  types: readonly string[] | null = null,
): Promise<RunEvent[][]> {
  const rows = await database.query<EventRow>(
    `SELECT "runId", position, length, type, payload, at FROM "RunEvent"
     WHERE "runId" = ANY($1::uuid[]) AND ($2::text[] IS NULL OR type = ANY($2)) ORDER BY "runId", position`,
    [runIds, types],
  );
  const byRun = Map.groupBy(rows.map(eventOf), (event) => event.runId);
  return runIds.map((runId) => byRun.get(runId) ?? []);
}
