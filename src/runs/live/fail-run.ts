import { isDomainError } from '../../kernel/errors.ts';
import type { RunPatch } from '../log/run-rows.ts';
import type { RunServices } from '../run-services.ts';
import type { LiveRun } from './live-run.ts';

/** Ends a run with what stopped it. What nobody foresaw is logged, and told only as an interruption. */
export async function failRun(
  run: LiveRun,
  { error, patch }: { error: unknown; patch: RunPatch },
  { log }: RunServices,
): Promise<void> {
  const stopped = run.signal.aborted ? run.signal.reason : error;
  if (!isDomainError(stopped)) {
    log.error(
      { err: stopped, runId: run.id, requestId: run.row.requestId },
      'a run failed unexpectedly',
    );
  }
  await run.fail(stopped, patch);
}
