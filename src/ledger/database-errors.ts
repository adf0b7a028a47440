import { isDomainError } from '../kernel/errors.ts';

/** Unlike EPIPE, each has a digit. */
const sqlState = /^(?=.*\d)[0-9A-Z]{5}$/;
/**
 * What a server says that is going down, short of something, read-only after a switch-over, or busy: the same statement
 * may well succeed later.
 */
const passing = /^(08...|25006|40...|53...|55P03|57...|58...)$/;

/** Whether a statement failed for what it says, and not because the database is away, restarting or busy. */
export function isPermanent(error: unknown): boolean {
  // No trouble of the database at all.
  if (isDomainError(error)) return true;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return sqlState.test(code) && !passing.test(code);
}

const neverSent = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/;

/** False when the failure itself proves that nothing was committed: the server said so, or was never reached. */
export function mayHaveHappened(error: unknown): boolean {
  if (!(error instanceof Error)) return true;
  const code = 'code' in error ? String(error.code) : '';
  const answered = sqlState.test(code) && !code.startsWith('08');
  return !answered && !neverSent.test(code) && !error.message.startsWith('timeout exceeded when');
}

export class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
}

/** Settles as `work` does, or rejects with `TimeoutError` when it takes longer. The work itself goes on. */
export async function within<Result>(milliseconds: number, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new TimeoutError(`The database did not answer within ${milliseconds} ms.`)),
      milliseconds,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
