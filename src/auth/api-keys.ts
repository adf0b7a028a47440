import type { Database } from '../data/database.ts';
import { newId } from '../data/new-id.ts';
import type { ApiKey } from '../generated/prisma/client.ts';
import { DomainError } from '../kernel/errors.ts';
import { pageOf, readPageRequest, uuidPattern } from '../kernel/page-cursor.ts';
import type { Principal } from '../kernel/principal.ts';
import type { ApiKeyRecord, Auth } from './auth.ts';
import { createBatchedLookup } from './batched-lookup.ts';
import { createLastUse } from './key-last-use.ts';
import { knownRoles } from './known-roles.ts';
import { hashSecret, newSecret } from './secret.ts';

interface LiveKey {
  id: string;
  hash: string;
  userId: string;
  groups: string[];
  roles: string[];
  lastUsedAt: Date | null;
}

const prefix = 'tsr_';
const shownCharacters = prefix.length + 8;

function toRecord({ hash: _, roles, ...row }: ApiKey): ApiKeyRecord {
  return { ...row, roles: knownRoles(roles) };
}

export interface ApiKeys
  extends Pick<Auth, 'createApiKey' | 'revokeApiKey' | 'getApiKey' | 'apiKeys' | 'ensureAdminKey'> {
  /** Whose live key is it? Asked of the database each time: a key revoked on any server is refused at once. */
  principalOf(secret: string): Promise<Principal | null>;
  close(): Promise<void>;
}

/** API keys in the database, hashed. */
export function createApiKeys(database: Database): ApiKeys {
  const lastUse = createLastUse(database);
  const liveKey = createBatchedLookup((hashes) => findLive(database, hashes));
  return {
    async principalOf(secret) {
      if (!secret.startsWith(prefix)) return null;
      const key = await liveKey(hashSecret(secret));
      if (!key) return null;
      lastUse.note(key.id, key.lastUsedAt);
      const { id: apiKeyId, userId, groups } = key;
      return { userId, groups, roles: knownRoles(key.roles), apiKeyId };
    },
    async createApiKey({ name, userId, groups = [], roles, expiresAt = null }) {
      const secret = newSecret(prefix);
      const row = await database.prisma.apiKey.create({
        data: {
          ...newRow(secret),
          name,
          userId,
          groups: [...groups],
          roles: [...roles],
          expiresAt,
        },
      });
      return { apiKey: toRecord(row), secret };
    },
    async revokeApiKey(id) {
      await database.prisma.apiKey.updateMany({
        where: { id, revokedAt: null },
        data: { revokedAt: new Date() },
      });
      const row = await database.prisma.apiKey.findUnique({ where: { id } });
      if (!row) throw new DomainError('NOT_FOUND', 'There is no API key with this id.');
      return toRecord(row);
    },
    async getApiKey(id) {
      const row = await database.prisma.apiKey.findUnique({ where: { id } });
      return row && toRecord(row);
    },
    async apiKeys({ userId, ...request }) {
      const start = readPageRequest(request, uuidPattern);
      const rows = await database.prisma.apiKey.findMany({
        where: { ...(userId && { userId }), ...(start.after && { id: { lt: start.after } }) },
        // An id begins with the time at which it was made.
        orderBy: { id: 'desc' },
        take: start.size + 1,
      });
      return pageOf(rows.map(toRecord), start, ({ id }) => id);
    },
    ensureAdminKey: () => ensureAdminKey(database),
    close: () => lastUse.close(),
  };
}

const newRow = (secret: string) => ({
  id: newId(),
  hash: hashSecret(secret),
  prefix: secret.slice(0, shownCharacters),
});

async function findLive(
  database: Database,
  hashes: readonly string[],
): Promise<Map<string, LiveKey>> {
  const rows = await database.query<LiveKey>(
    `SELECT "id", "hash", "userId", "groups", "roles", "lastUsedAt" FROM "ApiKey"
     WHERE "hash" = ANY($1) AND "revokedAt" IS NULL AND ("expiresAt" IS NULL OR "expiresAt" > now())`,
    [hashes],
  );
  return new Map(rows.map((row) => [row.hash, row]));
}

async function ensureAdminKey(database: Database): Promise<string | null> {
  const secret = newSecret(prefix);
  const { id, hash, prefix: shown } = newRow(secret);
  return database.transaction(async (transaction) => {
    // Servers that start together take turns here, and only the first finds none.
    await transaction.query(`SELECT pg_advisory_xact_lock(hashtext('tessera:first-admin-key'))`);
    const made = await transaction.query<{ id: string }>(
      `INSERT INTO "ApiKey" ("id", "name", "userId", "roles", "prefix", "hash")
       SELECT $1, 'First admin key', 'admin', ARRAY['ADMIN', 'USER'], $2, $3
       WHERE NOT EXISTS (
         SELECT 1 FROM "ApiKey" WHERE 'ADMIN' = ANY("roles") AND "revokedAt" IS NULL
           AND ("expiresAt" IS NULL OR "expiresAt" > now()))
       RETURNING "id"`,
      [id, shown, hash],
    );
    return made.length > 0 ? secret : null;
  });
}
