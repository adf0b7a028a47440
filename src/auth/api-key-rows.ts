import type { Queryable } from '../data/database.ts';
import { newId } from '../data/new-id.ts';
import type { ApiKey } from '../generated/prisma/client.ts';
import type { Scopes } from '../kernel/access/scopes.ts';
import type { ApiKeyRecord, SignInFailure } from './auth.ts';
import { knownRoles } from './known-roles.ts';
import { hashSecret, newSecret } from './secret.ts';

export const keyPrefix = 'tsr_';
/** The first characters of a key, to recognise it by. */
export const shownPrefix = (secret: string): string => secret.slice(0, keyPrefix.length + 8);

/** A key as a presented secret finds it. */
export interface PresentedKey {
  id: string;
  /** Of the secret that was presented: a rotated key has two for a while. */
  hash: string;
  userId: string;
  groups: string[];
  roles: string[];
  scopes: Scopes | null;
  actsForUsers: boolean;
  lastUsedAt: Date | null;
  /** Why the secret does not sign in; null where it does. */
  failure: SignInFailure | null;
}

/** A key as the API shows it: without anything that signs in. */
export function toRecord(row: ApiKey): ApiKeyRecord {
  const { hash: _, previousHash: __, runsGoOn: ___, roles, scopes, ...rest } = row;
  return { ...rest, roles: knownRoles(roles), scopes: scopes as Scopes | null };
}

/** A new secret with what is stored of it. */
export function newKeySecret() {
  const secret = newSecret(keyPrefix);
  return { secret, hash: hashSecret(secret), prefix: shownPrefix(secret) };
}

const columns = `"id", "userId", "groups", "roles", "scopes", "actsForUsers", "lastUsedAt"`;
const isLive = `"revokedAt" IS NULL AND ("expiresAt" IS NULL OR "expiresAt" > now())`;

const failure = `CASE WHEN "revokedAt" IS NOT NULL THEN 'revoked' WHEN "expiresAt" <= now() THEN 'expired'`;

/** Keys by the hashes of their secrets, of the one before the last rotation too. */
export async function findPresentedKeys(
  database: Queryable,
  hashes: readonly string[],
): Promise<Map<string, PresentedKey>> {
  const rows = await database.query<PresentedKey>(
    `SELECT "hash", ${columns}, ${failure} END AS failure FROM "ApiKey" WHERE "hash" = ANY($1)
     UNION ALL
     SELECT "previousHash", ${columns}, ${failure} WHEN "previousUntil" <= now() THEN 'replaced' END
     FROM "ApiKey" WHERE "previousHash" = ANY($1)`,
    [hashes],
  );
  return new Map(rows.map((row) => [row.hash, row]));
}

/** The keys whose runs may go on: those not revoked, and those revoked without stopping them. */
export async function findRunningKeys(
  database: Queryable,
  ids: readonly string[],
): Promise<Map<string, true>> {
  const rows = await database.query<{ id: string }>(
    `SELECT "id" FROM "ApiKey" WHERE "id" = ANY($1::uuid[]) AND ("revokedAt" IS NULL OR "runsGoOn")`,
    [ids],
  );
  return new Map(rows.map(({ id }) => [id, true]));
}

/** Inserts the first admin key unless there is a live one; servers that start together take turns. */
export async function insertFirstAdminKey(transaction: Queryable): Promise<string | null> {
  const { secret, hash, prefix } = newKeySecret();
  await transaction.query(`SELECT pg_advisory_xact_lock(hashtext('tessera:first-admin-key'))`);
  const made = await transaction.query<{ id: string }>(
    `INSERT INTO "ApiKey" ("id", "name", "userId", "roles", "prefix", "hash")
     SELECT $1, 'First admin key', 'admin', ARRAY['ADMIN', 'USER'], $2, $3
     WHERE NOT EXISTS (SELECT 1 FROM "ApiKey" WHERE 'ADMIN' = ANY("roles") AND ${isLive})
     RETURNING "id"`,
    [newId(), prefix, hash],
  );
  return made.length > 0 ? secret : null;
}
