import { type Caller, hasRole } from '../../kernel/access/principal.ts';
import { type Reach, reaches, reachesAll } from '../../kernel/access/reach.ts';
import type { GraphQLContext } from '../context.ts';
import { forbidden, unauthenticated } from './request-error.ts';

/** The caller, admitted by the field's rule. Throws UNAUTHENTICATED if there is none. */
export function callerOf(context: GraphQLContext): Caller {
  if (!context.caller) throw unauthenticated();
  return context.caller;
}

/** Whether the caller reaches this user's records of a kind. */
export const mayRead = ({ caller }: GraphQLContext, reach: Reach, userId: string | null): boolean =>
  caller !== null && reaches(caller, reach, userId);

/**
 * The user whose records to show: the named user, else the caller, or null (all users) for a role that reaches all. Throws FORBIDDEN when another user is named.
 */
export function userScope(
  context: GraphQLContext,
  reach: Reach,
  asked: string | null | undefined,
): string | null {
  const caller = callerOf(context);
  if (reachesAll(caller, reach)) return asked ?? null;
  if (asked != null && asked !== caller.userId) {
    throw forbidden('Your roles do not let you read the data of another user.');
  }
  return caller.userId;
}

/** Whether the caller reads the audit log. */
export const mayAudit = ({ caller }: GraphQLContext): boolean =>
  caller !== null && hasRole(caller, 'ADMIN', 'AUDITOR');

/** Access rule of a field that shows what was asked or answered in a run. */
export const ofContent = (
  { userId }: { userId: string },
  _args: unknown,
  context: GraphQLContext,
): boolean => mayRead(context, 'content', userId);
