import type { Database } from '../../data/database.ts';
import { newId } from '../../data/new-id.ts';
import type { Principal } from '../../kernel/access/principal.ts';
import type { Scopes } from '../../kernel/access/scopes.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { SessionRecord, SignInMethod, StartedSession, Visitor } from '../auth.ts';
import { createBatchedLookup } from '../batched-lookup.ts';
import { knownRoles } from '../known-roles.ts';
import { hashSecret, newSecret } from '../secret.ts';

const linkLifetimeMs = 15 * 60_000;
const sessionLifetimeMs = 24 * 3_600_000;

interface SessionRow {
  hash: string;
  id: string;
  userId: string;
  groups: string[];
  roles: string[];
  apiKeyId: string | null;
  scopes: Scopes | null;
}

interface LinkRow {
  userId: string;
  groups: string[];
  roles: string[];
  apiKeyId: string | null;
}

interface BrowserSessionsOptions {
  database: Database;
  audit: AuditLog;
  /** Names the fixed admin key in force; sessions of the built-in admin end when it changes. */
  adminKeyTag: string;
}

/** A session that was made with a key ends with it; one of the built-in admin, with the fixed admin key. */
const isLive = `s."expiresAt" > now() AND (s."adminKeyTag" IS NULL OR s."adminKeyTag" = $2)
  AND (s."apiKeyId" IS NULL OR (k."revokedAt" IS NULL AND (k."expiresAt" IS NULL OR k."expiresAt" > now())))`;
const fromSessions = `FROM "Session" s LEFT JOIN "ApiKey" k ON k."id" = s."apiKeyId"`;

/** Browsers that signed in. Links and sessions lie in the database, hashed, so that every server knows them. */
export class BrowserSessions {
  readonly #options: BrowserSessionsOptions;
  readonly #live: (hash: string) => Promise<SessionRow | null>;

  constructor(options: BrowserSessionsOptions) {
    this.#options = options;
    this.#live = createBatchedLookup((hashes) => this.#findLive(hashes));
  }

  /** A secret that signs one browser in as the principal, once, within 15 minutes. */
  async createLink({ userId, groups, roles, apiKeyId }: Principal): Promise<string> {
    const { loginLink } = this.#options.database.prisma;
    const secret = newSecret('');
    const expiresAt = new Date(Date.now() + linkLifetimeMs);
    const hash = hashSecret(secret);
    await loginLink.create({
      data: { hash, userId, groups: [...groups], roles: [...roles], apiKeyId, expiresAt },
    });
    return secret;
  }

  /** Trades a link's secret for a session; null when it is unknown, used or too old. */
  async redeemLink(secret: string, visitor: Visitor): Promise<StartedSession | null> {
    const [link] = await this.#options.database.query<LinkRow>(
      `DELETE FROM "LoginLink" WHERE "hash" = $1 AND "expiresAt" > $2
       RETURNING "userId", "groups", "roles", "apiKeyId"`,
      [hashSecret(secret), new Date()],
    );
    if (!link) return null;
    return this.start({ ...link, roles: knownRoles(link.roles) }, { method: 'LINK', visitor });
  }

  /** Signs a browser in, and records that it did. */
  async start(
    { userId, groups, roles, apiKeyId }: Principal,
    { method, visitor }: { method: SignInMethod; visitor: Visitor },
  ): Promise<StartedSession> {
    const { database, audit, adminKeyTag } = this.#options;
    const secret = newSecret('');
    const expiresAt = new Date(Date.now() + sessionLifetimeMs);
    const isBuiltIn = userId === 'admin' && apiKeyId === null;
    await database.prisma.session.create({
      data: {
        hash: hashSecret(secret),
        id: newId(),
        userId,
        groups: [...groups],
        roles: [...roles],
        method,
        apiKeyId,
        adminKeyTag: isBuiltIn ? adminKeyTag : null,
        address: visitor.address,
        expiresAt,
      },
    });
    await audit.record({
      actor: userId,
      apiKeyId,
      address: visitor.address,
      action: 'signIn',
      subject: null,
      detail: { method },
      requestId: visitor.requestId,
    });
    return { session: secret, expiresAt };
  }

  async principalOf(session: string): Promise<Principal | null> {
    const row = await this.#live(hashSecret(session));
    if (!row) return null;
    const { id, userId, groups, roles, apiKeyId, scopes } = row;
    return {
      userId,
      groups,
      roles: knownRoles(roles),
      apiKeyId,
      sessionId: id,
      ...(scopes && { scopes }),
    };
  }

  /** Live ones, newest first; of one user or of all. */
  list(userId: string | null): Promise<SessionRecord[]> {
    return this.#options.database.query<SessionRecord>(
      `SELECT s."id", s."userId", s."method", s."address", s."createdAt", s."expiresAt" ${fromSessions}
       WHERE ($1::text IS NULL OR s."userId" = $1) AND ${isLive} ORDER BY s."id" DESC LIMIT 1000`,
      [userId, this.#options.adminKeyTag],
    );
  }

  /** Ends one session. False when it had ended. */
  async end(id: string): Promise<boolean> {
    const { session } = this.#options.database.prisma;
    return (await session.deleteMany({ where: { id } })).count > 0;
  }

  /** Ends all sessions of a user, or all there are. Resolves with their number. */
  async endAll(userId: string | null): Promise<number> {
    const { session } = this.#options.database.prisma;
    return (await session.deleteMany({ where: userId === null ? {} : { userId } })).count;
  }

  /** Ends what was signed in with a key; with an admin's, also what links of the server have signed in. */
  async endOfKey(apiKeyId: string, isAdminKey: boolean): Promise<void> {
    await this.#options.database.query(
      `DELETE FROM "Session" WHERE "apiKeyId" = $1 OR ($2 AND "userId" = 'admin' AND "apiKeyId" IS NULL)`,
      [apiKeyId, isAdminKey],
    );
  }

  async #findLive(hashes: readonly string[]): Promise<Map<string, SessionRow>> {
    const rows = await this.#options.database.query<SessionRow>(
      `SELECT s."hash", s."id", s."userId", s."groups", s."roles", s."apiKeyId", k."scopes" ${fromSessions}
       WHERE s."hash" = ANY($1) AND ${isLive}`,
      [hashes, this.#options.adminKeyTag],
    );
    return new Map(rows.map((row) => [row.hash, row]));
  }
}
