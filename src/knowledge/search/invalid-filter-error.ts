import type { Issue } from '../../kernel/errors.ts';
import { InvalidInputError } from '../../kernel/invalid-input-error.ts';

/** A metadata filter that says nothing sensible. A fault of the request, not a state of the world: BAD_USER_INPUT. */
export class InvalidFilterError extends InvalidInputError {
  override readonly name = 'InvalidFilterError';

  constructor(issues: readonly Issue[]) {
    super(`The filter is not valid: ${issues.map(({ message }) => message).join('; ')}`, issues);
  }
}
