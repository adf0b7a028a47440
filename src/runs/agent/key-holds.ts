import { DomainError } from '../../kernel/errors.ts';
import type { LiveRun } from '../live/live-run.ts';
import type { RunServices } from '../run-services.ts';

/**
 * Throws RUN_CANCELLED once the key that began the run is revoked with its runs: whichever server takes the next step, it
 * looks. A database that is away stops no run.
 */
export async function assertKeyHolds(
  { row, id }: LiveRun,
  { keyHolds, log }: Pick<RunServices, 'keyHolds' | 'log'>,
): Promise<void> {
  if (row.apiKeyId === null) return;
  const holds = await keyHolds(row.apiKeyId).catch((error: unknown) => {
    log.warn({ err: error, runId: id }, "a run's key cannot be checked");
    return true;
  });
  if (holds) return;
  throw new DomainError('RUN_CANCELLED', 'The key that began this run was revoked.');
}
