import type { Database } from '../data/database.ts';
import type { MeterEmbedder } from '../kernel/embedder.ts';
import type { KnowledgeSearch, SearchRequest } from '../kernel/knowledge-search.ts';
import { embeddingTag } from '../ledger/embedding-tag.ts';
import type { HoldRequest, Ledger, UsageTag } from '../ledger/ledger.ts';

type Envelope = NonNullable<HoldRequest['envelope']>;
type MeteringLedger = Pick<Ledger, 'meterEmbedders'>;

const noRun = '00000000-0000-0000-0000-000000000000';

/** Who pays for a plugin's search that names nobody. */
const nobody: NonNullable<SearchRequest['context']> = { runId: noRun, userId: 'system' };

/** Embedding a collection anew is paid for by who asked for it. */
export const meterReembedding =
  (ledger: MeteringLedger) =>
  (userId: string): MeterEmbedder =>
    ledger.meterEmbedders({ tag: embeddingTag({ runId: noRun, userId }) });

/** The run that a plugin's tool works for, as far as it pays. */
type PayingRun = Pick<
  UsageTag,
  'requestId' | 'groups' | 'apiKeyId' | 'accessTokens' | 'tags' | 'agent' | 'conversationId'
> & { maxCost: string | null; shared: Envelope | null };

/** The search that plugins are lent: a hosted embedder's work for it is paid for by the run whose tool asked. */
export function meterSearch(
  knowledge: KnowledgeSearch,
  { ledger, database }: { ledger: MeteringLedger; database: Database },
): KnowledgeSearch {
  const meterFor = async (request: SearchRequest): Promise<MeterEmbedder> => {
    const asked = request.context ?? nobody;
    const { runId, userId } = asked;
    const [run] = await database.query<PayingRun>(
      `SELECT "requestId", groups, "apiKeyId", "accessTokens", tags, agent, "conversationId",
         trim_scale("maxCost")::text AS "maxCost", "input"->'envelope' AS "shared"
       FROM "Run" WHERE id = $1`,
      [runId],
    );
    if (!run) return ledger.meterEmbedders({ tag: embeddingTag(asked) });
    const { maxCost, shared, ...payer } = run;
    const envelope = shared ?? (maxCost === null ? null : { runId, limit: maxCost });
    const tag = embeddingTag({ runId, userId, ...payer });
    return ledger.meterEmbedders({ tag, envelope });
  };
  return {
    search: async (request) => knowledge.search({ ...request, meter: await meterFor(request) }),
  };
}
