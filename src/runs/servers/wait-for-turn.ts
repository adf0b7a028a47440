import { setTimeout as delay } from 'node:timers/promises';
import type { Queryable } from '../../data/database.ts';
import { headOf } from '../conversation/conversation-head.ts';
import type { LiveRun } from '../live/live-run.ts';
import type { NewRun } from '../log/run-rows.ts';
import { retryUntilAvailable } from '../reading/retry-until-available.ts';
import type { RunHandles } from '../reading/run-handles.ts';
import type { RunServices } from '../run-services.ts';
import type { RunOptions } from '../runs.ts';

const pollMs = 1_000;

/**
 * Waits until a queued run's turn has come, and begins it: when the run that it goes on from is over, or every earlier one
 * of the conversation that it was put at the end of. Each waits for itself, on whichever server it is: the order stands in
 * the rows. The run's time is counted from here on. Rejects with the reason of the run's abort.
 */
export async function waitForTurn(
  run: LiveRun,
  { handles, services }: { handles: RunHandles; services: RunServices },
): Promise<void> {
  const { database } = services;
  const { row, signal } = run;
  const ofConversation = optionsOf(row).conversation != null;
  for (;;) {
    const unfinished = () => runBefore(database, row, ofConversation);
    const before = await retryUntilAvailable(unfinished, { signal });
    if (!before) break;
    const { finishedAt } = await handles.ended(before, signal);
    if (!finishedAt) await delay(pollMs, undefined, { signal });
  }
  const { conversationId, conversationOrder } = row;
  const head = () => headOf(database, conversationId!, conversationOrder);
  const continuesRunId = ofConversation
    ? await retryUntilAvailable(head, { signal })
    : row.continuesRunId;
  await run.beginQueued(continuesRunId);
}

const optionsOf = ({ input }: NewRun): RunOptions =>
  (input as { options?: RunOptions | null }).options ?? {};

/** A run that has to be over first. */
async function runBefore(
  database: Queryable,
  { continuesRunId, conversationId, conversationOrder }: NewRun,
  ofConversation: boolean,
): Promise<string | null> {
  const [run] = ofConversation
    ? await database.query<{ id: string }>(
        `SELECT id FROM "Run" WHERE "conversationId" = $1 AND "conversationOrder" < $2 AND "finishedAt" IS NULL
         ORDER BY "conversationOrder" DESC LIMIT 1`,
        [conversationId, conversationOrder],
      )
    : await database.query<{ id: string }>(
        `SELECT id FROM "Run" WHERE id = $1 AND "finishedAt" IS NULL`,
        [continuesRunId],
      );
  return run?.id ?? null;
}
