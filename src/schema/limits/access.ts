import { type Caller, isAdmin } from '../../kernel/principal.ts';
import type { GraphQLContext } from '../context.ts';
import { forbidden, unauthenticated } from './request-error.ts';

/** The caller, of whom a field's rule has made sure. Throws UNAUTHENTICATED should there be none after all. */
export function callerOf(context: GraphQLContext): Caller {
  if (!context.caller) throw unauthenticated();
  return context.caller;
}

/** Is it this user's own, or the caller an admin? */
export const mayRead = (context: GraphQLContext, userId: string | null): boolean =>
  context.caller !== null && (isAdmin(context.caller) || context.caller.userId === userId);

/**
 * Whose figures to show: the caller's own, for an admin everybody's (null) unless one is named. Throws FORBIDDEN when
 * a user names another.
 */
export function userScope(
  context: GraphQLContext,
  asked: string | null | undefined,
): string | null {
  const caller = callerOf(context);
  if (isAdmin(caller)) return asked ?? null;
  if (asked != null && asked !== caller.userId) {
    throw forbidden('Only an admin may read the data of another user.');
  }
  return caller.userId;
}
