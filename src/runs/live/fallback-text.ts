import { isDomainError } from '../../kernel/errors.ts';
import type { RunPatch } from '../log/run-rows.ts';
import type { RunOptions } from '../runs.ts';
import type { LiveRun } from './live-run.ts';

interface FailedRun {
  error: unknown;
  options: RunOptions;
  patch: RunPatch;
}

/** Answers with the caller's own words when every model failed before a word or a thought was told; true when it did. */
export async function endedByFallbackText(
  run: LiveRun,
  { error, options, patch }: FailedRun,
): Promise<boolean> {
  const text = options.fallbackText;
  const modelFailed = isDomainError(error) && modelFailures.has(error.code) && !isCancel(run);
  if (text == null || run.hasSpoken || !modelFailed) return false;
  run.append({ type: 'TextDelta', text });
  const fallback = {
    status: 'SUCCEEDED',
    model: 'fallback',
    degraded: true,
    stopReason: 'end_turn',
  } as const;
  await run.end({ ...patch, ...fallback, text }, { type: 'RunFinished' });
  return true;
}

const modelFailures: ReadonlySet<string> = new Set([
  'MODEL_RATE_LIMITED',
  'MODEL_OVERLOADED',
  'MODEL_TIMEOUT',
  'MODEL_UNAVAILABLE',
]);

const isCancel = (run: LiveRun): boolean =>
  run.signal.aborted &&
  isDomainError(run.signal.reason) &&
  !modelFailures.has(run.signal.reason.code);
