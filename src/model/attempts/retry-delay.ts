import { isDomainError } from '../../kernel/errors.ts';

/** Grows from half a second to eight, as the provider's own SDK does. */
export const defaultRetryBaseMs = 500;
const maxMs = 8_000;

/**
 * Milliseconds to wait before the next attempt after `failed` of them: what the provider asked for, and a little more
 * so that not all come back at once; else a doubling delay of which a random half is taken off.
 */
export function retryDelay(error: unknown, failed: number, baseMs: number): number {
  const asked = retryAfterOf(error);
  if (asked !== null) return asked + Math.random() * Math.min(baseMs, asked * 0.1);
  const most = Math.min(maxMs, baseMs * 2 ** (failed - 1));
  return most * (1 - Math.random() / 2);
}

function retryAfterOf(error: unknown): number | null {
  if (!isDomainError(error)) return null;
  return 'retryAfterMs' in error.details ? (error.details.retryAfterMs ?? null) : null;
}
