import { newId } from '../../data/new-id.ts';
import type { MeterEmbedder } from '../../kernel/embedder.ts';
import { embeddingTag } from '../../ledger/embedding-tag.ts';
import type { GraphQLContext } from '../context.ts';
import { callerOf } from '../limits/access.ts';

/** Has the caller pay for what a hosted embedder bills. No run stands behind it, so its records have a run id of their own. */
export function meterFor(context: GraphQLContext): MeterEmbedder {
  const tag = embeddingTag({ runId: newId(), ...callerOf(context) });
  return context.services.ledger.meterEmbedders({ tag });
}
