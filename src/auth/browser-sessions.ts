import type { Database } from '../data/database.ts';
import type { Principal } from '../kernel/access/principal.ts';
import type { Auth } from './auth.ts';
import { createBatchedLookup } from './batched-lookup.ts';
import { knownRoles } from './known-roles.ts';
import { hashSecret, newSecret } from './secret.ts';

const linkLifetimeMs = 15 * 60_000;
const sessionLifetimeMs = 24 * 3_600_000;

interface SessionRow {
  hash: string;
  userId: string;
  groups: string[];
  roles: string[];
}

export interface BrowserSessions extends Pick<Auth, 'createLoginLink' | 'redeemLoginLink'> {
  principalOf(session: string): Promise<Principal | null>;
}

/**
 * Browsers that signed in by a one-time link. A link lives in this process and for 15 minutes; the session it is traded
 * for lives in the database for a day, so every server knows it.
 */
export function createBrowserSessions(database: Database): BrowserSessions {
  const links = new Map<string, { principal: Principal; expiresAt: number }>();
  const liveSession = createBatchedLookup((hashes) => findLive(database, hashes));
  return {
    createLoginLink(principal) {
      const secret = newSecret('');
      links.set(hashSecret(secret), { principal, expiresAt: Date.now() + linkLifetimeMs });
      return secret;
    },
    async redeemLoginLink(secret) {
      const hash = hashSecret(secret);
      const link = links.get(hash);
      links.delete(hash);
      if (!link || link.expiresAt < Date.now()) return null;
      const session = newSecret('');
      const expiresAt = new Date(Date.now() + sessionLifetimeMs);
      const { userId, groups, roles } = link.principal;
      await database.prisma.session.create({
        data: {
          hash: hashSecret(session),
          userId,
          groups: [...groups],
          roles: [...roles],
          expiresAt,
        },
      });
      await database.prisma.session.deleteMany({ where: { expiresAt: { lt: new Date() } } });
      return { session, expiresAt };
    },
    async principalOf(session) {
      const row = await liveSession(hashSecret(session));
      if (!row) return null;
      const { userId, groups } = row;
      return { userId, groups, roles: knownRoles(row.roles), apiKeyId: null };
    },
  };
}

async function findLive(
  database: Database,
  hashes: readonly string[],
): Promise<Map<string, SessionRow>> {
  const rows = await database.query<SessionRow>(
    `SELECT "hash", "userId", "groups", "roles" FROM "Session" WHERE "hash" = ANY($1) AND "expiresAt" > now()`,
    [hashes],
  );
  return new Map(rows.map((row) => [row.hash, row]));
}
