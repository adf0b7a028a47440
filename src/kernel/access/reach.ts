import { hasRole, type Principal, type Role } from './principal.ts';

/**
 * What belongs to a user, and the roles beside ADMIN that reach everybody's. Every other role reaches its own.
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
  /** Listing and ending browser sessions. */
  sessions: [],
  /** Reading alerts. */
  alerts: ['OPERATOR'],
} as const satisfies Record<string, readonly Role[]>;

export type Reach = keyof typeof reachOfRoles;

/** Whether a principal reaches everybody's. */
export const reachesAll = (principal: Pick<Principal, 'roles'>, reach: Reach): boolean =>
  hasRole(principal, 'ADMIN', ...reachOfRoles[reach]);

/** Whether a principal reaches what belongs to `userId`; null is nobody. */
export const reaches = (
  principal: Pick<Principal, 'roles' | 'userId'>,
  reach: Reach,
  userId: string | null,
): boolean => principal.userId === userId || reachesAll(principal, reach);
