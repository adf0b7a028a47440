import type { Queryable } from '../../data/database.ts';

/**
 * Whether a run `r` can be gone on from: one that failed before a model had taken a whole turn is passed over. Its question
 * was not answered, and will be asked again.
 */
export const countsAsHead = `(r.status <> 'FAILED' OR r."stopReason" IS NOT NULL)`;

/** The run that a further message of a conversation continues: the newest (before `order`) that counts; else the newest. */
export async function headOf(
  database: Queryable,
  conversationId: string,
  order: number | null = null,
): Promise<string | null> {
  const [head] = await database.query<{ id: string }>(
    `SELECT r.id FROM "Run" r WHERE r."conversationId" = $1 AND r."conversationOrder" < coalesce($2, 2147483647)
     ORDER BY ${countsAsHead} DESC, r."conversationOrder" DESC LIMIT 1`,
    [conversationId, order],
  );
  return head?.id ?? null;
}
