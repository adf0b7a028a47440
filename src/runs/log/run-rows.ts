import type { Queryable } from '../../data/database.ts';
import type { Caller } from '../../kernel/access/principal.ts';
import type { StoredError } from '../../kernel/errors.ts';
import type { OutputSelection } from '../../kernel/output-selection.ts';
import type { DisconnectPolicy, RunKind, RunStatus } from '../../kernel/run.ts';
import type { RunRecord, RunsOf } from '../runs.ts';

/** A new row, as the database's function `run_write` stores it: both name every column. */
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
  /** The run whose conversation comes before this one's. */
  continuesRunId: string | null;
  conversationId: string | null;
  /** Its place in the conversation; null for a sub-agent's run, which has none. */
  conversationOrder: number | null;
}

/** The columns that change while a run lives, all named in `run_write`. Those left out stay as they are. */
export interface RunPatch {
  status?: RunStatus;
  model?: string;
  promptVersionId?: string | null;
  promptName?: string | null;
  experimentId?: string | null;
  variant?: string | null;
  finishedAt?: Date | null;
  deadlineAt?: Date;
  continuesRunId?: string | null;
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
