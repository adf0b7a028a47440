import { hasRole, type Principal, type Role } from './principal.ts';

/**
 * Kinds of records of a user, with the roles besides ADMIN that reach those of all users. Other roles reach their own.
 */
export const reachOfRoles = {
  /** Reading runs and conversations without what was asked and answered. */
  runs: ['OPERATOR', 'AUDITOR'],
  /** Reading what was asked and answered: messages, text, output, tool calls, events, files. */
  content: ['AUDITOR'],
  /** Stopping runs. */
  cancel: ['OPERATOR'],
  /** Scoring runs. */
  scores: [],
  /** Reading usage records and statistics. */
  costs: ['AUDITOR'],
  /** Reading budgets. */
  budgets: ['OPERATOR', 'AUDITOR'],
  /** Reading what is known of keys. */
  keys: ['OPERATOR'],
  /** Reading alerts. */
  alerts: ['OPERATOR'],
} as const satisfies Record<string, readonly Role[]>;

export type Reach = keyof typeof reachOfRoles;

/** Whether a principal reaches the records of all users. */
export const reachesAll = (principal: Pick<Principal, 'roles'>, reach: Reach): boolean =>
  hasRole(principal, 'ADMIN', ...reachOfRoles[reach]);

/** Whether a principal reaches the records of `userId`; null is no user. */
export const reaches = (
  principal: Pick<Principal, 'roles' | 'userId'>,
  reach: Reach,
  userId: string | null,
): boolean => principal.userId === userId || reachesAll(principal, reach);
