import type { Page, PageRequest } from '../kernel/page.ts';
import type { Principal, Role } from '../kernel/principal.ts';

export interface ApiKeyRecord {
  id: string;
  name: string;
  userId: string;
  groups: string[];
  roles: Role[];
  /** The first characters of the secret, to recognise it by. */
  prefix: string;
  createdAt: Date;
  lastUsedAt: Date | null;
  expiresAt: Date | null;
  revokedAt: Date | null;
}

export interface Credentials {
  /** The `authorization` header or connection parameter: "Bearer …". */
  authorization?: string | null;
  /** The session secret of a browser that followed the one-time link. */
  session?: string | null;
}

export interface Auth {
  /**
   * Whose request is it? Null for none or wrong credentials. Revocations by any server hold at once: the database is
   * asked (once for all requests of one tick). Rejects only when the database is away.
   */
  authenticate(credentials: Credentials): Promise<Principal | null>;
  createApiKey(input: {
    name: string;
    userId: string;
    groups?: readonly string[];
    roles: readonly Role[];
    expiresAt?: Date | null;
  }): Promise<{ apiKey: ApiKeyRecord; secret: string }>;
  /** Rejects with NOT_FOUND. Revoking twice is no error. */
  revokeApiKey(id: string): Promise<ApiKeyRecord>;
  getApiKey(id: string): Promise<ApiKeyRecord | null>;
  /** Newest first, revoked and expired ones too; of one user or of all. Throws `InvalidInputError` for a bad cursor. */
  apiKeys(request: PageRequest & { userId: string | null }): Promise<Page<ApiKeyRecord>>;
  /** A secret that signs one browser in as the admin, once, within 15 minutes. */
  createLoginLink(principal: Principal): string;
  /** Trades the one-time secret for a session secret (a cookie's value); null when unknown, used or too old. */
  redeemLoginLink(secret: string): Promise<{ session: string; expiresAt: Date } | null>;
  /** Makes the first admin key, if the deployment has none and no fixed one: its secret, to be shown once; else null. */
  ensureAdminKey(): Promise<string | null>;
  /** Writes what is still to be noted. */
  close(): Promise<void>;
}
