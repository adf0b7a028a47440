import type { Scopes } from './scopes.ts';

/**
 * What a principal may do; what it may see is a matter of owners and readers.
 *
 * - ADMIN does and sees everything.
 * - OPERATOR keeps the service running: users' keys, budgets, alerts, server state, everybody's runs without content.
 * - EDITOR writes prompts, experiments and collections.
 * - APPROVER decides approvals of tools that ask others than the owner.
 * - AUDITOR reads everybody's runs with content, costs and the audit log.
 * - USER calls models and reads its own runs.
 */
export type Role = 'ADMIN' | 'OPERATOR' | 'EDITOR' | 'APPROVER' | 'AUDITOR' | 'USER';

export const roles: readonly Role[] = [
  'ADMIN',
  'OPERATOR',
  'EDITOR',
  'APPROVER',
  'AUDITOR',
  'USER',
];

/** The person or application behind a request. */
export interface Principal {
  userId: string;
  /** Names from the identity provider or from the key. Readers of documents are named by them. */
  groups: readonly string[];
  roles: readonly Role[];
  /** Null for a browser session, a JWT and the fixed admin key. */
  apiKeyId: string | null;
  /** The part of these rights that the key keeps; all of them when left out. */
  scopes?: Scopes | null;
  /** Ids of the access tokens that it comes under, the outermost first: all pay for what it does. */
  accessTokens?: readonly string[];
  /** The holder of the key may name the end user of each request. */
  actsForUsers?: boolean;
}

/**
 * A principal within one request. Runs store it, so that a server that takes a run over acts with the same rights.
 * `requestId` is in every log line and usage record that the request causes.
 */
export interface Caller extends Principal {
  requestId: string;
}

export const hasRole = (principal: Pick<Principal, 'roles'>, ...wanted: readonly Role[]): boolean =>
  wanted.some((role) => principal.roles.includes(role));

export const isAdmin = (principal: Pick<Principal, 'roles'>): boolean =>
  hasRole(principal, 'ADMIN');
