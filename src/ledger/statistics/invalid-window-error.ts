import { InvalidInputError } from '../invalid-input-error.ts';

/** A statistics window or number of buckets that makes no sense; the message says what to write instead. */
export class InvalidWindowError extends InvalidInputError {
  override readonly name = 'InvalidWindowError';
}
