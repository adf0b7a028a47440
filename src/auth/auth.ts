import type { Principal, Role } from '../kernel/access/principal.ts';
import type { Scopes } from '../kernel/access/scopes.ts';
import type { Page, PageRequest } from '../kernel/page.ts';
import type { AuditLog } from './audit/audit-log.ts';
import type { OpenId } from './sign-in/open-id.ts';

export interface ApiKeyRecord {
  id: string;
  name: string;
  userId: string;
  groups: string[];
  roles: Role[];
  /** The part of these rights that the key keeps; null: all. */
  scopes: Scopes | null;
  /** The holder may name the end user of each request. */
  actsForUsers: boolean;
  /** The first characters of the secret, to recognise it by. */
  prefix: string;
  createdAt: Date;
  lastUsedAt: Date | null;
  expiresAt: Date | null;
  revokedAt: Date | null;
  /** How long the secret before the last rotation signs in. */
  previousUntil: Date | null;
}

/** The user for whom an application's own backend makes a request. */
export interface EndUser {
  userId: string;
  groups: readonly string[];
}

/** From where a request comes, and under which id it is logged. */
export interface Visitor {
  /** Null where it is not known. */
  address: string | null;
  requestId: string;
}

/** Why credentials do not sign in. */
export type SignInFailure =
  /** There are none. */
  | 'missing'
  /** They are nobody's. */
  | 'unknown'
  | 'expired'
  | 'revoked'
  /** A secret whose key has been rotated since. */
  | 'replaced'
  /** A token that was made for another application. */
  | 'wrongAudience';

/** How a browser signed in: by a one-time link, a key in a form, or an identity provider. */
export type SignInMethod = 'LINK' | 'KEY' | 'OPENID';

export interface StartedSession {
  /** The cookie's value; the server keeps a hash. */
  session: string;
  expiresAt: Date;
}

export interface SessionRecord {
  id: string;
  userId: string;
  method: SignInMethod;
  address: string | null;
  createdAt: Date;
  expiresAt: Date;
}

export type Identity = { principal: Principal } | { failure: SignInFailure };

export interface Credentials {
  /** The `authorization` header or connection parameter: "Bearer …". */
  authorization?: string | null;
  /** The session secret of a browser that followed the one-time link. */
  session?: string | null;
  /** The end user that the request names; only keys that act for users may. */
  endUser?: EndUser | null;
  visitor?: Visitor;
}

export interface Auth {
  audit: AuditLog;
  /**
   * The principal of these credentials, or why there is none. Revocations by any server hold at once: the database is
   * asked (once for all requests of one tick). Rejects with FORBIDDEN for a request that may not name an end user, with
   * RATE_LIMITED while too many sign-ins from there have failed, and when the database is away.
   */
  authenticate(credentials: Credentials): Promise<Identity>;
  createApiKey(input: {
    name: string;
    userId: string;
    groups?: readonly string[];
    roles: readonly Role[];
    scopes?: Scopes | null;
    actsForUsers?: boolean;
    expiresAt?: Date | null;
  }): Promise<{ apiKey: ApiKeyRecord; secret: string }>;
  /**
   * Refuses the key from now on, on all servers. Rejects with NOT_FOUND. Revoking twice is no error. `runsGoOn`: runs that
   * it began need not stop.
   */
  revokeApiKey(id: string, options?: { runsGoOn?: boolean }): Promise<ApiKeyRecord>;
  /** Replaces the secret; the old one signs in for `oldSecretValidMs` more. Rejects with NOT_FOUND and CONFLICT. */
  rotateApiKey(
    id: string,
    oldSecretValidMs: number,
  ): Promise<{ apiKey: ApiKeyRecord; secret: string }>;
  /** Whether runs that the key began may take another step. Rejects when the database is away. */
  runsMayGoOn(apiKeyId: string): Promise<boolean>;
  getApiKey(id: string): Promise<ApiKeyRecord | null>;
  /** Newest first, revoked and expired ones too; of one user or of all. Throws `InvalidInputError` for a bad cursor. */
  apiKeys(request: PageRequest & { userId: string | null }): Promise<Page<ApiKeyRecord>>;
  /** A secret that signs one browser in as the principal, once, within 15 minutes. */
  createLoginLink(principal: Principal): Promise<string>;
  /** Trades the one-time secret for a session; null when unknown, used or too old. */
  redeemLoginLink(secret: string, visitor?: Visitor): Promise<StartedSession | null>;
  /** Signs a browser in whose person has shown who they are. */
  startSession(
    principal: Principal,
    how: { method: SignInMethod; visitor: Visitor },
  ): Promise<StartedSession>;
  /** Live sessions, newest first; of one user or of all. */
  sessions(userId: string | null): Promise<SessionRecord[]>;
  /** Ends a session, on all servers at once. False when it had ended. */
  endSession(id: string): Promise<boolean>;
  /** Ends all sessions of a user, or all there are (null). Resolves with their number. */
  endSessions(userId: string | null): Promise<number>;
  /** Sign-in by an identity provider; null where none is configured. */
  openId: OpenId | null;
  /** Makes the first admin key, if the deployment has none and no fixed one: its secret, to be shown once; else null. */
  ensureAdminKey(): Promise<string | null>;
  /** Writes what is still to be noted. */
  close(): Promise<void>;
}
