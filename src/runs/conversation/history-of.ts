import type { LiveRun } from '../live/live-run.ts';
import { retryUntilAvailable } from '../reading/retry-until-available.ts';
import type { RunServices } from '../run-services.ts';
import { type Exchange, readHistory } from './read-history.ts';

/** The exchanges that come before a run, oldest first. */
export async function historyOf(
  { row: { continuesRunId }, signal }: LiveRun,
  { database, knowledge }: RunServices,
): Promise<Exchange[]> {
  if (continuesRunId === null) return [];
  const read = () =>
    readHistory(database, continuesRunId, (hits, tokens) => knowledge.pack(hits, tokens));
  return retryUntilAvailable(read, { signal });
}
