import type { Queryable } from '../../data/database.ts';
import type { StoredError } from '../../kernel/errors.ts';
import type { RunEvent } from '../../kernel/events.ts';
import type { OutputSelection } from '../../kernel/output-selection.ts';
import type { Caller } from '../../kernel/principal.ts';
import type { DisconnectPolicy, RunKind, RunStatus } from '../../kernel/run.ts';
import { storableJson } from '../../kernel/storable-json.ts';
import type { RunRecord, RunsOf } from '../runs.ts';

export interface NewRun extends Omit<Caller, 'actsForUsers'> {
  id: string;
  kind: RunKind;
  status: RunStatus;
  serverId: string;
  parentRunId: string | null;
  /** What was asked. For an agent it is all a server needs to go on. */
  input: unknown;
  model: string;
  agent: string | null;
  onDisconnect: DisconnectPolicy;
  maxCost: string | null;
  createdAt: Date;
  deadlineAt: Date;
  tags: readonly string[];
  metadata: unknown;
}

/** The columns that change while a run lives. Those left out stay as they are. */
export interface RunPatch {
  status?: RunStatus;
  model?: string;
  promptVersionId?: string | null;
  promptName?: string | null;
  experimentId?: string | null;
  variant?: string | null;
  finishedAt?: Date | null;
  deadlineAt?: Date;
  durationMs?: number | null;
  timeToFirstTokenMs?: number | null;
  text?: string;
  output?: unknown;
  outputSelection?: OutputSelection | null;
  stopReason?: string | null;
  cached?: boolean;
  degraded?: boolean;
  error?: StoredError | null;
}

const newColumns: Record<keyof NewRun, string> = {
  id: 'uuid',
  kind: 'text',
  status: 'text',
  userId: 'text',
  groups: 'text[]',
  roles: 'text[]',
  scopes: 'jsonb',
  accessTokens: 'uuid[]',
  apiKeyId: 'uuid',
  requestId: 'text',
  serverId: 'uuid',
  parentRunId: 'uuid',
  input: 'jsonb',
  model: 'text',
  agent: 'text',
  onDisconnect: 'text',
  maxCost: 'numeric',
  createdAt: 'timestamptz',
  deadlineAt: 'timestamptz',
  tags: 'text[]',
  metadata: 'jsonb',
};

const patchColumns: Record<keyof RunPatch, string> = {
  status: 'text',
  model: 'text',
  promptVersionId: 'uuid',
  promptName: 'text',
  experimentId: 'uuid',
  variant: 'text',
  finishedAt: 'timestamptz',
  deadlineAt: 'timestamptz',
  durationMs: 'float8',
  timeToFirstTokenMs: 'float8',
  text: 'text',
  output: 'jsonb',
  outputSelection: 'jsonb',
  stopReason: 'text',
  cached: 'bool',
  degraded: 'bool',
  error: 'jsonb',
};

const quoted = (columns: object) => Object.keys(columns).map((name) => `"${name}"`);
const typed = (columns: Record<string, string>) =>
  Object.entries(columns).map(([name, type]) => `"${name}" ${type}`);

export async function insertRuns(transaction: Queryable, runs: readonly NewRun[]): Promise<void> {
  if (runs.length === 0) return;
  const names = quoted(newColumns).join(', ');
  // A batch whose commit was lost on the way is written again: the second time finds its rows.
  await transaction.query(
    `WITH new AS (SELECT * FROM jsonb_to_recordset($1::jsonb) AS new(${typed(newColumns).join(', ')})),
       tags AS (INSERT INTO "RunTag" (tag, "createdAt", "runId")
         SELECT tag, "createdAt", id FROM new, unnest(tags) AS tag ON CONFLICT DO NOTHING)
     INSERT INTO "Run" (${names}) SELECT ${names} FROM new ON CONFLICT (id) DO NOTHING`,
    [storableJson(runs)],
  );
}

export async function insertEvents(
  transaction: Queryable,
  events: readonly RunEvent[],
): Promise<void> {
  if (events.length === 0) return;
  const rows = events.map(({ runId, position, length, type, at, ...payload }) => ({
    runId,
    position,
    length,
    type,
    payload,
    at,
  }));
  await transaction.query(
    `INSERT INTO "RunEvent" ("runId", position, length, type, payload, at)
     SELECT * FROM json_to_recordset($1::json)
       AS event("runId" uuid, position int, length int, type text, payload json, at timestamptz)
     ON CONFLICT DO NOTHING`,
    [storableJson(rows)],
  );
}

/** What the usage records of the row `r` sum to. */
const costAtEnd = `(SELECT CASE WHEN bool_or(u.cost IS NULL) THEN NULL ELSE coalesce(sum(u.cost), 0) END
  FROM "UsageRecord" u WHERE u."runId" = r.id)`;

/** One update for all rows: a column that a patch does not name keeps its value. The end of a run sets its cost. */
export async function patchRuns(
  transaction: Queryable,
  patches: readonly { runId: string; patch: RunPatch }[],
): Promise<void> {
  if (patches.length === 0) return;
  const assignments = Object.keys(patchColumns).map(
    (name) => `"${name}" = CASE WHEN p.patch ? '${name}' THEN p."${name}" ELSE r."${name}" END`,
  );
  assignments.push(`cost = CASE WHEN p.patch ? 'finishedAt' THEN ${costAtEnd} ELSE r.cost END`);
  await transaction.query(
    `UPDATE "Run" r SET ${assignments.join(', ')}
     FROM (SELECT (item->>'runId')::uuid AS id, item->'patch' AS patch, fields.*
           FROM jsonb_array_elements($1::jsonb) AS item,
                jsonb_to_record(item->'patch') AS fields(${typed(patchColumns).join(', ')})) AS p
     WHERE r.id = p.id`,
    [storableJson(patches)],
  );
}

/** The columns of `"Run" r` that make a record. */
export const recordColumns = `r.id, r.kind, r.status, r."userId", r."requestId", r.model, r."promptVersionId", r."promptName",
  r."experimentId", r.variant, r.agent, r."parentRunId", r."continuesRunId", r."conversationId", r."createdAt", r."finishedAt",
  r."durationMs", r."timeToFirstTokenMs", r.text, r.output, r."outputSelection", r."stopReason", r.cached, r.degraded, r.error,
  r.tags, r.metadata,
  coalesce(r.input->>'message', '') AS message, coalesce((r.input->>'maxTurns')::int, 0) AS "maxTurns",
  coalesce(r.input->>'question', '') AS question, r.input->'prompt'->'named'->'variables' AS variables`;

/** Ids of runs that have not ended, those of sub-agents left out. */
export async function unfinishedRuns(database: Queryable, owner: RunsOf): Promise<string[]> {
  const [column, value] =
    'apiKeyId' in owner ? ['apiKeyId', owner.apiKeyId] : ['userId', owner.userId];
  const rows = await database.query<{ id: string }>(
    `SELECT id FROM "Run" WHERE "${column}" = $1 AND "finishedAt" IS NULL AND "parentRunId" IS NULL`,
    [value],
  );
  return rows.map(({ id }) => id);
}

/** Runs by id, in the order asked; null where there is none. */
export async function readRuns(
  database: Queryable,
  ids: readonly string[],
): Promise<(RunRecord | null)[]> {
  const rows = await database.query<RunRecord>(
    `SELECT ${recordColumns} FROM "Run" r WHERE r.id = ANY($1::uuid[])`,
    [ids],
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id) ?? null);
}

/** The runs that work for each run, oldest first. */
export async function readSubRuns(
  database: Queryable,
  runIds: readonly string[],
): Promise<RunRecord[][]> {
  const rows = await database.query<RunRecord>(
    `SELECT ${recordColumns} FROM "Run" r WHERE r."parentRunId" = ANY($1::uuid[]) ORDER BY r."createdAt", r.id`,
    [runIds],
  );
  const byParent = Map.groupBy(rows, ({ parentRunId }) => parentRunId);
  return runIds.map((runId) => byParent.get(runId) ?? []);
}
