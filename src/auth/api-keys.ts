import type { Database } from '../data/database.ts';
import { newId } from '../data/new-id.ts';
import { Prisma } from '../generated/prisma/client.ts';
import type { Principal } from '../kernel/access/principal.ts';
import { DomainError } from '../kernel/errors.ts';
import { pageOf, readPageRequest, uuidPattern } from '../kernel/page-cursor.ts';
import {
  findPresentedKeys,
  findRunningKeys,
  insertFirstAdminKey,
  keyPrefix,
  newKeySecret,
  type PresentedKey,
  toRecord,
} from './api-key-rows.ts';
import type { Auth, EndUser, Identity } from './auth.ts';
import { createBatchedLookup } from './batched-lookup.ts';
import { createLastUse } from './key-last-use.ts';
import { knownRoles } from './known-roles.ts';
import { hashSecret } from './secret.ts';
import { isUserId } from './user-id.ts';

export interface ApiKeys
  extends Pick<
    Auth,
    | 'createApiKey'
    | 'revokeApiKey'
    | 'rotateApiKey'
    | 'getApiKey'
    | 'apiKeys'
    | 'ensureAdminKey'
    | 'runsMayGoOn'
  > {
  /**
   * The principal of a live key, or the user that a request of it names. The database is asked each time: a key revoked
   * on any server is refused at once. Rejects with FORBIDDEN for a key that names a user and does not act for users.
   */
  identify(secret: string, endUser: EndUser | null): Promise<Identity>;
  close(): Promise<void>;
}

/** API keys in the database, hashed. */
export function createApiKeys(database: Database): ApiKeys {
  const { apiKey: table } = database.prisma;
  const lastUse = createLastUse(database);
  const presentedKey = createBatchedLookup((hashes) => findPresentedKeys(database, hashes));
  const runningKey = createBatchedLookup((ids) => findRunningKeys(database, ids));
  const get = async (id: string) => table.findUnique({ where: { id } });
  return {
    async identify(secret, endUser) {
      if (!secret.startsWith(keyPrefix)) return { failure: 'unknown' };
      const key = await presentedKey(hashSecret(secret));
      if (!key || key.failure) return { failure: key?.failure ?? 'unknown' };
      lastUse.note(key.id, key.lastUsedAt);
      return { principal: endUser ? actingPrincipal(key, endUser) : ownPrincipal(key) };
    },
    async createApiKey({ name, userId, roles, ...input }) {
      const { groups = [], scopes = null, actsForUsers = false, expiresAt = null } = input;
      const { secret, ...stored } = newKeySecret();
      const row = await table.create({
        data: {
          ...stored,
          id: newId(),
          name,
          userId,
          groups: [...groups],
          roles: [...roles],
          scopes: scopes === null ? Prisma.DbNull : (scopes as Prisma.InputJsonObject),
          actsForUsers,
          expiresAt,
        },
      });
      return { apiKey: toRecord(row), secret };
    },
    async revokeApiKey(id, { runsGoOn = false } = {}) {
      await table.updateMany({
        where: { id, revokedAt: null },
        data: { revokedAt: new Date(), runsGoOn },
      });
      return toRecord((await get(id)) ?? noSuchKey());
    },
    async rotateApiKey(id, oldSecretValidMs) {
      const { secret, ...stored } = newKeySecret();
      const row = (await get(id)) ?? noSuchKey();
      const previousUntil = new Date(Date.now() + oldSecretValidMs);
      // Only where nobody else has rotated it meanwhile: else a secret handed out a moment ago would be lost.
      const { count } = await table.updateMany({
        where: { id, hash: row.hash, revokedAt: null },
        data: { ...stored, previousHash: row.hash, previousUntil },
      });
      if (count === 0) {
        throw new DomainError(
          'CONFLICT',
          'The key is revoked, or is being rotated: look at it again.',
        );
      }
      return { apiKey: toRecord((await get(id)) ?? noSuchKey()), secret };
    },
    async getApiKey(id) {
      const row = await get(id);
      return row && toRecord(row);
    },
    async apiKeys({ userId, ...request }) {
      const start = readPageRequest(request, uuidPattern);
      const rows = await table.findMany({
        where: { ...(userId && { userId }), ...(start.after && { id: { lt: start.after } }) },
        // An id begins with the time at which it was made.
        orderBy: { id: 'desc' },
        take: start.size + 1,
      });
      return pageOf(rows.map(toRecord), start, ({ id }) => id);
    },
    runsMayGoOn: async (id) => (await runningKey(id)) !== null,
    ensureAdminKey: () => database.transaction(insertFirstAdminKey),
    close: () => lastUse.close(),
  };
}

function noSuchKey(): never {
  throw new DomainError('NOT_FOUND', 'There is no API key with this id.');
}

const ownPrincipal = ({
  id,
  userId,
  groups,
  roles,
  scopes,
  actsForUsers,
}: PresentedKey): Principal => ({
  userId,
  groups,
  roles: knownRoles(roles),
  apiKeyId: id,
  ...(scopes && { scopes }),
  ...(actsForUsers && { actsForUsers }),
});

/** The named user, with the key's scopes and never more than the role USER. */
function actingPrincipal(key: PresentedKey, { userId, groups }: EndUser): Principal {
  if (!key.actsForUsers) {
    throw new DomainError(
      'FORBIDDEN',
      'This key does not act for users: leave out x-tessera-user, or make a key with actsForUsers.',
    );
  }
  if (!isUserId(userId)) {
    throw new DomainError('FORBIDDEN', 'x-tessera-user must name a user of 1 to 255 characters.');
  }
  return { ...ownPrincipal(key), userId, groups, roles: ['USER'] };
}
