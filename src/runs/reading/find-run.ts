import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../../data/database.ts';
import { readRuns } from '../log/run-rows.ts';
import type { RunRecord } from '../runs.ts';

const pauseMs = 50;
const timeoutMs = 2_000;
/** As far as the clocks of two servers may be apart. */
const newForMs = 10_000;

/** When the id was made, in ms of the epoch: UUID version 7 begins with it. */
const timeOf = (id: string): number => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);

/** May the run's row still be on its way? A run without one whose id is older was never stored, and never will be. */
export const isNewRun = (runId: string): boolean => Math.abs(Date.now() - timeOf(runId)) < newForMs;

/**
 * A run's record; null when there is none. A client may know the id before the row is there: its first event is told
 * while the row is still being written. So the id of a run that has just begun is looked for again, for 2 s.
 */
export function findRun(database: Database, runId: string): Promise<RunRecord | null> {
  return lookFor(database, runId, timeoutMs);
}

/** As `findRun`, but null only when it is certain that the run was never stored: that may take 10 s. */
export function findStoredRun(database: Database, runId: string): Promise<RunRecord | null> {
  return lookFor(database, runId, Infinity);
}

async function lookFor(
  database: Database,
  runId: string,
  maxMs: number,
): Promise<RunRecord | null> {
  const until = performance.now() + maxMs;
  for (;;) {
    const isNew = isNewRun(runId);
    const [record] = await readRuns(database, [runId]);
    if (record) return record;
    if (!isNew || performance.now() > until) return null;
    await delay(pauseMs);
  }
}
