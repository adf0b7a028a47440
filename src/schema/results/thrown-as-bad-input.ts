import { isDomainError } from '../../kernel/errors.ts';
import { badUserInput } from '../limits/request-error.ts';

/** For fields without a result union: domain errors come as BAD_USER_INPUT. */
export async function thrownAsBadInput<Value>(read: () => Promise<Value>): Promise<Value> {
  try {
    return await read();
  } catch (error) {
    if (!isDomainError(error)) throw error;
    throw badUserInput([{ path: [], message: error.message }]);
  }
}
