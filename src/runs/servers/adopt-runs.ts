import type { Database } from '../../data/database.ts';
import type { RunEvent } from '../../kernel/events.ts';
import { newRecord } from '../log/new-run.ts';
import type { NewRun } from '../log/run-rows.ts';
import { readAllStoredEvents } from '../log/stored-events.ts';
import type { RunRecord } from '../runs.ts';

/** A run that is this server's from now on, with all there is to know to go on with it. */
export interface AdoptedRun {
  row: NewRun;
  record: RunRecord;
  epoch: number;
  history: RunEvent[];
  cancelRequested: boolean;
}

/**
 * Which runs to take: those of servers that died; those that are this server's and older than a lease, and yet are not
 * live here (it was not told that its takeover had succeeded, or their loop broke); of these runs (or of all) those that
 * wait for nobody any more; those of these runs that wait.
 */
export type Adoptable =
  | { ofServers: readonly string[] }
  | { lost: { live: readonly string[]; leaseMs: number } }
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

function conditionOf(which: Adoptable): { where: string; values: readonly unknown[] } {
  if ('ofServers' in which) {
    const where = `"serverId" = ANY($2::uuid[]) AND "finishedAt" IS NULL AND status <> 'WAITING_FOR_APPROVAL'`;
    return { where, values: [which.ofServers] };
  }
  if ('lost' in which) {
    const where = `"serverId" = $1 AND status IN ('RUNNING', 'QUEUED') AND id <> ALL($2::uuid[])
      AND "createdAt" < now() - $3 * interval '1 millisecond'`;
    return { where, values: [which.lost.live, which.lost.leaseMs] };
  }
  if ('waiting' in which) {
    const where = `id = ANY($2::uuid[]) AND status = 'WAITING_FOR_APPROVAL'`;
    return { where, values: [which.waiting] };
  }
  if (which.decided === 'all') return { where: decided, values: [] };
  return { where: `id = ANY($2::uuid[]) AND ${decided}`, values: [which.decided] };
}

/**
 * Takes runs over, each by one server only: the row's new epoch refuses every write its former server still tries. Only
 * after that is the log read, so nothing is missing from it; as one transaction, so that a run whose log cannot be read
 * is not taken. The deadline moves by the time that the run lay idle.
 */
export async function adoptRuns(
  database: Database,
  serverId: string,
  which: Adoptable,
): Promise<AdoptedRun[]> {
  const { where, values } = conditionOf(which);
  return database.transaction(async (transaction) => {
    const rows = await transaction.query<AdoptedRow>(
      `UPDATE "Run" SET "serverId" = $1, epoch = epoch + 1,
         status = CASE status WHEN 'QUEUED' THEN status ELSE 'RUNNING' END,
         "deadlineAt" = "deadlineAt" + CASE status WHEN 'QUEUED' THEN '0' ELSE greatest('0', now() - coalesce(
           (SELECT max(at) FROM "RunEvent" e WHERE e."runId" = "Run".id), "createdAt")) END
       WHERE ${where}
       RETURNING id, kind, status, "userId", groups, roles, scopes, "apiKeyId", "requestId", "serverId", "parentRunId", input, model, agent,
         "onDisconnect", "maxCost", "createdAt", "deadlineAt", tags, metadata,
         "continuesRunId", "conversationId", "conversationOrder", epoch, "cancelRequestedAt"`,
      [serverId, ...values],
    );
    const ids = rows.map(({ id }) => id);
    const histories = ids.length > 0 ? await readAllStoredEvents(transaction, ids) : [];
    return rows.map(({ epoch, cancelRequestedAt, ...row }, index) => ({
      row,
      record: newRecord(row),
      epoch,
      history: histories[index]!,
      cancelRequested: cancelRequestedAt !== null,
    }));
  });
}
