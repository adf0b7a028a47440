import { newId } from '../../data/new-id.ts';
import type { MeterEmbedder } from '../../kernel/embedder.ts';
import type { GraphQLContext } from '../context.ts';
import { callerOf } from '../limits/access.ts';

/** Bills the caller for a hosted embedder. A search has no run, so its records get a run id of their own. */
export function meterFor(context: GraphQLContext): MeterEmbedder {
  const { userId, apiKeyId, requestId } = callerOf(context);
  const prompt = { promptVersionId: null, promptName: null, experimentId: null, variant: null };
  const kind = 'EMBEDDING' as const;
  const tag = { runId: newId(), requestId, userId, apiKeyId, kind, ...prompt };
  return context.services.ledger.meterEmbedders({ tag });
}
