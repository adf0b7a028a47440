import type { Issue } from './errors.ts';

/**
 * An argument that no server could make sense of, found only after the schema's own checks: a filter, a window, a cursor. Its message
 * says what to write instead. The API: BAD_USER_INPUT, with the issues where there are several places.
 */
export class InvalidInputError extends Error {
  override readonly name: string = 'InvalidInputError';
  readonly issues: readonly Issue[];

  constructor(message: string, issues: readonly Issue[] = []) {
    super(message);
    this.issues = issues;
  }
}
