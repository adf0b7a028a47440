import type { Database } from '../../data/database.ts';
import { newId } from '../../data/new-id.ts';
import { DomainError } from '../../kernel/errors.ts';
import { canonicalDigest } from '../../model/cache/canonical-digest.ts';
import { findStoredRun } from '../reading/find-run.ts';

const lifetime = "interval '24 hours'";

interface Claim {
  userId: string;
  key: string;
  /** Everything of the request but the key itself. */
  input: unknown;
}

/**
 * The run that a key stands for: a new one, which is the caller's to begin, or the one that was begun with it. A claim
 * whose run was never stored, because its server died between the two, is given up for a new one. Rejects with CONFLICT
 * when the key came with other input before.
 */
export async function claimRun(
  database: Database,
  claim: Claim,
  isLive: (runId: string) => boolean,
): Promise<{ runId: string; isNew: boolean }> {
  while (true) {
    const id = newId();
    const runId = await claimKey(database, claim, id);
    if (runId === id) return { runId, isNew: true };
    const isThere = isLive(runId) || (await findStoredRun(database, runId)) || isLive(runId);
    if (isThere) return { runId, isNew: false };
    await releaseKey(database, { ...claim, runId });
  }
}

/** Lets a key be claimed anew, unless it stands for another run by now. */
export async function releaseKey(
  database: Database,
  { userId, key, runId }: Pick<Claim, 'userId' | 'key'> & { runId: string },
): Promise<void> {
  await database.query(
    'DELETE FROM "IdempotencyKey" WHERE "userId" = $1 AND key = $2 AND "runId" = $3',
    [userId, key, runId],
  );
}

/** Resolves with the claimed run's id: the given one for the first caller, the first one's for a repetition. */
async function claimKey(database: Database, claim: Claim, runId: string): Promise<string> {
  const { userId, key, input } = claim;
  const inputHash = canonicalDigest(withoutNulls(input));
  // A key older than 24 h is claimed anew; a live one is left as it is, and returned.
  const [row] = await database.query<{ runId: string; inputHash: string }>(
    `INSERT INTO "IdempotencyKey" AS k ("userId", key, "inputHash", "runId", "expiresAt")
     VALUES ($1, $2, $3, $4, now() + ${lifetime})
     ON CONFLICT ("userId", key) DO UPDATE SET
       "inputHash" = CASE WHEN k."expiresAt" < now() THEN excluded."inputHash" ELSE k."inputHash" END,
       "runId" = CASE WHEN k."expiresAt" < now() THEN excluded."runId" ELSE k."runId" END,
       "expiresAt" = CASE WHEN k."expiresAt" < now() THEN excluded."expiresAt" ELSE k."expiresAt" END
     RETURNING "runId", "inputHash"`,
    [userId, key, inputHash, runId],
  );
  if (row!.inputHash === inputHash) return row!.runId;
  throw new DomainError(
    'CONFLICT',
    `The idempotency key "${key}" was used with other input within 24 hours. Use a new key for a new request.`,
  );
}

/** What a client leaves out and what it sends as null is the same to GraphQL. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  const members = Object.entries(value).filter(([, member]) => member != null);
  return Object.fromEntries(members.map(([name, member]) => [name, withoutNulls(member)]));
}
