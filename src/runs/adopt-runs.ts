import type { Database } from '../data/database.ts';
import type { RunEvent } from '../kernel/events.ts';
import { newRecord } from './new-run.ts';
import type { NewRun } from './run-rows.ts';
import type { RunRecord } from './runs.ts';
import { readAllStoredEvents } from './stored-events.ts';

/** A run that is this server's from now on, with all there is to know to go on with it. */
export interface AdoptedRun {
  row: NewRun;
  record: RunRecord;
  epoch: number;
  history: RunEvent[];
  cancelRequested: boolean;
}

/**
 * Which runs to take: those of servers that died; of these runs (or of all) those that wait for nobody any more; those
 * of these runs that wait.
 */
export type Adoptable =
  | { ofServers: readonly string[] }
  | { decided: readonly string[] | 'all' }
  | { waiting: readonly string[] };

interface AdoptedRow extends NewRun {
  epoch: number;
  cancelRequestedAt: Date | null;
}

const decided = `status = 'WAITING_FOR_APPROVAL' AND ("cancelRequestedAt" IS NOT NULL OR (
  NOT EXISTS (SELECT 1 FROM "Approval" a WHERE a."runId" = "Run".id AND a.status = 'PENDING'
    AND (a."expiresAt" IS NULL OR a."expiresAt" > now()))
  AND NOT EXISTS (SELECT 1 FROM "Run" child WHERE child."parentRunId" = "Run".id
    AND child.status = 'WAITING_FOR_APPROVAL')))`;

function conditionOf(which: Adoptable): { where: string; ids: readonly string[] } {
  if ('ofServers' in which) {
    const where = `"serverId" = ANY($2::uuid[]) AND "finishedAt" IS NULL AND status <> 'WAITING_FOR_APPROVAL'`;
    return { where, ids: which.ofServers };
  }
  if ('waiting' in which) {
    return {
      where: `id = ANY($2::uuid[]) AND status = 'WAITING_FOR_APPROVAL'`,
      ids: which.waiting,
    };
  }
  if (which.decided === 'all') return { where: `$2::uuid[] IS NOT NULL AND ${decided}`, ids: [] };
  return { where: `id = ANY($2::uuid[]) AND ${decided}`, ids: which.decided };
}

/**
 * Takes runs over, each by one server only: the row's new epoch refuses every write its former server still tries. Only
 * after that is the log read, so nothing is missing from it. The deadline moves by the time that the run lay idle.
 */
export async function adoptRuns(
  database: Database,
  serverId: string,
  which: Adoptable,
): Promise<AdoptedRun[]> {
  const { where, ids } = conditionOf(which);
  const rows = await database.query<AdoptedRow>(
    `UPDATE "Run" SET "serverId" = $1, epoch = epoch + 1, status = 'RUNNING',
       "deadlineAt" = "deadlineAt" + greatest('0', now() - coalesce(
         (SELECT max(at) FROM "RunEvent" e WHERE e."runId" = "Run".id), "createdAt"))
     WHERE ${where}
     RETURNING id, kind, status, "userId", "apiKeyId", "requestId", "serverId", "parentRunId", input, model, agent,
       "onDisconnect", "maxCost", "createdAt", "deadlineAt", epoch, "cancelRequestedAt"`,
    [serverId, ids],
  );
  const histories = await readAllStoredEvents(
    database,
    rows.map(({ id }) => id),
  );
  return rows.map(({ epoch, cancelRequestedAt, ...row }, index) => ({
    row,
    record: newRecord(row),
    epoch,
    history: histories[index]!,
    cancelRequested: cancelRequestedAt !== null,
  }));
}
