import type { Queryable } from '../../data/database.ts';
import { newId } from '../../data/new-id.ts';
import { DomainError } from '../../kernel/errors.ts';
import { headOf } from '../conversation/conversation-head.ts';
import type { NewRun } from '../log/run-rows.ts';
import { insertRun } from '../log/write-batch.ts';
import { findRun } from '../reading/find-run.ts';
import type { RunParts } from '../run-parts.ts';
import type { RunOptions, RunRecord } from '../runs.ts';

/** Whether the run is to go on from another, or to belong to a conversation. */
export const isPlaced = ({ continues, conversation, newConversation }: RunOptions): boolean =>
  continues != null || conversation != null || newConversation === true;

/**
 * Stores a run's row in its place: after the run that it goes on from, and last in its conversation. While that run (or,
 * for a conversation, any of its runs) is not over, `whileRunning` decides: the row is stored as QUEUED, or the others are
 * cancelled first, or it rejects with CONFLICT. Rejects with RUN_NOT_FOUND or NOT_FOUND for what is not the user's own.
 */
export async function placeRun(row: NewRun, options: RunOptions, parts: RunParts): Promise<NewRun> {
  const queues = options.whileRunning === 'QUEUE';
  for (;;) {
    const place =
      options.conversation == null
        ? await placeAfter(row, options, parts)
        : await placeLast(row, { id: options.conversation, queues }, parts.services.database);
    if (place.busy.length === 0) return place.row;
    if (options.whileRunning !== 'CANCEL') throw busy(place.busy[0]!);
    for (const runId of place.busy) await parts.canceller.cancelUnlessOver(runId);
  }
}

/** A row that was stored, or the runs that have to be over first. */
interface Place {
  row: NewRun;
  busy: string[];
}

/** After a run, or at the beginning of a conversation. */
async function placeAfter(row: NewRun, options: RunOptions, parts: RunParts): Promise<Place> {
  const { database } = parts.services;
  const before = options.continues == null ? null : await ownRun(row, options.continues, parts);
  const waits = before !== null && before.finishedAt === null;
  if (waits && options.whileRunning !== 'QUEUE') return { row, busy: [before.id] };
  const after: NewRun = {
    ...row,
    status: waits ? 'QUEUED' : row.status,
    continuesRunId: before?.id ?? null,
  };
  const placed = await database.transaction((transaction) => {
    if (options.newConversation) return insertFirst(transaction, after);
    return insertLast(transaction, after, before?.conversationId ?? null);
  });
  return { row: placed, busy: [] };
}

async function ownRun({ userId }: NewRun, runId: string, parts: RunParts): Promise<RunRecord> {
  const live = parts.liveRuns.get(runId)?.record;
  const run = live ?? (await findRun(parts.services.database, runId));
  if (!run || run.userId !== userId) {
    throw new DomainError('RUN_NOT_FOUND', 'You have no run of this id to continue.');
  }
  if (run.kind !== 'EMBEDDING') return run;
  throw new DomainError('CONFLICT', 'An ingest cannot be continued: nothing was said in it.');
}

/** At the end of a conversation, whose row is held meanwhile: no two runs take the same place. */
async function placeLast(
  row: NewRun,
  { id, queues }: { id: string; queues: boolean },
  database: RunParts['services']['database'],
): Promise<Place> {
  return database.transaction(async (transaction) => {
    const [conversation] = await transaction.query(
      `SELECT id FROM "Conversation" WHERE id = $1 AND "userId" = $2 FOR UPDATE`,
      [id, row.userId],
    );
    if (!conversation) throw new DomainError('NOT_FOUND', 'You have no such conversation.');
    const unfinished = await transaction.query<{ id: string }>(
      `SELECT id FROM "Run" WHERE "conversationId" = $1 AND "conversationOrder" IS NOT NULL AND "finishedAt" IS NULL
       ORDER BY "conversationOrder" DESC`,
      [id],
    );
    const busy = unfinished.map((run) => run.id);
    if (busy.length > 0 && !queues) return { row, busy };
    const continuesRunId = busy[0] ?? (await headOf(transaction, id));
    const status = busy.length > 0 ? 'QUEUED' : row.status;
    const placed = await insertLast(transaction, { ...row, status, continuesRunId }, id);
    return { row: placed, busy: [] };
  });
}

async function insertFirst(transaction: Queryable, row: NewRun): Promise<NewRun> {
  const placed = { ...row, conversationId: newId(), conversationOrder: 1 };
  await transaction.query(
    `INSERT INTO "Conversation" (id, "userId", tags, "lastOrder") VALUES ($1, $2, $3, 1)`,
    [placed.conversationId, row.userId, row.tags],
  );
  await insertRun(transaction, placed);
  return placed;
}

/** Into no conversation where the id is null, or stands for one that was deleted. */
async function insertLast(
  transaction: Queryable,
  row: NewRun,
  conversationId: string | null,
): Promise<NewRun> {
  const [place] = await transaction.query<{ lastOrder: number }>(
    `UPDATE "Conversation" SET "lastOrder" = "lastOrder" + 1, "updatedAt" = now() WHERE id = $1 RETURNING "lastOrder"`,
    [conversationId],
  );
  const placed = place ? { ...row, conversationId, conversationOrder: place.lastOrder } : row;
  await insertRun(transaction, placed);
  return placed;
}

const busy = (runId: string): DomainError =>
  new DomainError(
    'CONFLICT',
    `The run to continue is not over (${runId}). Wait for its end, or set whileRunning to QUEUE or CANCEL.`,
  );
