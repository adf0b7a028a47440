import { newId } from '../data/new-id.ts';
import type { EmbeddingBill } from '../kernel/knowledge-search.ts';
import { callerOf } from './access.ts';
import type { GraphQLContext } from './context.ts';

/**
 * Does what a hosted embedder may bill for, and records it as the caller's, however it ends. No run stands behind it, so
 * the record has a run id of its own.
 */
export async function billed<Result>(
  context: GraphQLContext,
  work: (onBilled: (bill: EmbeddingBill) => void) => Promise<Result>,
): Promise<Result> {
  const bills: EmbeddingBill[] = [];
  try {
    return await work((bill) => void bills.push(bill));
  } finally {
    const { userId, apiKeyId, requestId } = callerOf(context);
    const prompt = { promptVersionId: null, promptName: null, experimentId: null, variant: null };
    const kind = 'EMBEDDING' as const;
    const tag = { runId: newId(), requestId, userId, apiKeyId, kind, ...prompt };
    const { ledger } = context.rooms;
    await Promise.all(bills.map((bill) => ledger.recordEmbedding(tag, bill)));
  }
}
