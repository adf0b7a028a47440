import { createHash } from 'node:crypto';
import type { Database } from '../data/database.ts';
import { DomainError } from '../kernel/errors.ts';

const lifetime = "interval '24 hours'";

interface Claim {
  userId: string;
  key: string;
  /** Everything of the request but the key itself. */
  input: unknown;
  /** The run that the claim is for, should it be the first. */
  runId: string;
}

/**
 * Claims a key for a run. Resolves with the claimed run's id: the given one for the first caller, the first one's for a
 * repetition. Rejects with CONFLICT when the key came with other input before.
 */
export async function claimIdempotencyKey(database: Database, claim: Claim): Promise<string> {
  const { userId, key, input, runId } = claim;
  const inputHash = createHash('sha256').update(JSON.stringify(input)).digest('base64url');
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
