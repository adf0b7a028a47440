import { isDomainError } from '../errors.ts';
import { InvalidInputError } from '../invalid-input-error.ts';
import { messageOf } from '../message-of.ts';

// Registered for the whole process: a plugin may load another copy of this package than the server's.
const mark = Symbol.for('tessera.tool-error');

/**
 * A failure whose message the model and the callers of a tool may read: it says what to do differently. Whatever else a
 * tool throws is logged, and they only learn that the tool failed.
 */
export class ToolError extends Error {
  override readonly name = 'ToolError';
  readonly [mark] = true;
}

/** The message of a throw that its callers may read; null for a throw that is masked. */
export function shownMessage(error: unknown): string | null {
  const isShown =
    isDomainError(error) ||
    error instanceof InvalidInputError ||
    (typeof error === 'object' && error !== null && mark in error);
  return isShown ? messageOf(error) : null;
}
