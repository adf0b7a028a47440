import { DomainError, type ErrorCode, isDomainError } from '../../kernel/errors.ts';
import type { RunRecord } from '../../runs/runs.ts';
import { ErrorData, type ErrorDataOf } from './error-data.ts';

const isOneOf = <Code extends ErrorCode>(codes: readonly Code[], code: ErrorCode): code is Code =>
  (codes as readonly ErrorCode[]).includes(code);

/** A domain error as a member of a result union that lists these codes; anything else is thrown again. */
export function errorAsResult<Code extends ErrorCode>(
  codes: readonly Code[],
  error: unknown,
  runId: string | null = null,
): ErrorDataOf<Code> {
  if (isDomainError(error) && isOneOf(codes, error.code)) {
    return new ErrorData(error.toJSON(), runId) as ErrorDataOf<Code>;
  }
  throw error;
}

/** The value of the work, or the domain error it rejects with as data, if the result union lists its code. */
export async function asResult<Value, Code extends ErrorCode>(
  codes: readonly Code[],
  work: () => Promise<Value>,
): Promise<Value | ErrorDataOf<Code>> {
  try {
    return await work();
  } catch (error) {
    return errorAsResult(codes, error);
  }
}

/** A run that has ended: itself when it succeeded, else what kept it from that. */
export function runAsResult<Code extends ErrorCode>(
  codes: readonly Code[],
  run: RunRecord,
): RunRecord | ErrorDataOf<Code> {
  if (run.status === 'CANCELLED') {
    const cancelled = run.error ?? new DomainError('RUN_CANCELLED', 'The run was cancelled.');
    return errorAsResult(codes, DomainError.fromJSON(cancelled), run.id);
  }
  return run.error && run.status === 'FAILED'
    ? errorAsResult(codes, DomainError.fromJSON(run.error), run.id)
    : run;
}
