import type { Database } from '../data/database.ts';
import type { MeterEmbedder } from '../kernel/embedder.ts';
import type { KnowledgeSearch, SearchRequest } from '../kernel/knowledge-search.ts';
import type { HoldRequest, Ledger, UsageTag } from '../ledger/ledger.ts';

type Envelope = NonNullable<HoldRequest['envelope']>;
type MeteringLedger = Pick<Ledger, 'meterEmbedders'>;

const noRun = '00000000-0000-0000-0000-000000000000';

/** Account of a plugin's search without a context. */
const nobody: NonNullable<SearchRequest['context']> = { runId: noRun, userId: 'system' };

type Billing = Pick<UsageTag, 'runId' | 'userId' | 'requestId' | 'apiKeyId'>;

const tagOf = (billing: Billing): UsageTag => ({
  ...billing,
  promptVersionId: null,
  promptName: null,
  experimentId: null,
  variant: null,
  kind: 'EMBEDDING',
});

/** The user who changed a collection's embedder pays for embedding it again. */
export const meterReembedding =
  (ledger: MeteringLedger) =>
  (userId: string): MeterEmbedder =>
    ledger.meterEmbedders({ tag: tagOf({ runId: noRun, userId, requestId: '', apiKeyId: null }) });

/** The search that plugins are lent: a hosted embedder's work for it is paid for by the run whose tool asked. */
export function meterSearch(
  knowledge: KnowledgeSearch,
  { ledger, database }: { ledger: MeteringLedger; database: Database },
): KnowledgeSearch {
  const meterFor = async (request: SearchRequest): Promise<MeterEmbedder> => {
    const asked = request.context ?? nobody;
    const { runId, userId } = asked;
    const [run] = await database.query<{
      requestId: string;
      apiKeyId: string | null;
      maxCost: string | null;
      shared: Envelope | null;
    }>(
      `SELECT "requestId", "apiKeyId", trim_scale("maxCost")::text AS "maxCost", "input"->'envelope' AS "shared"
       FROM "Run" WHERE id = $1`,
      [runId],
    );
    const { requestId = '', apiKeyId = null } = run ?? asked;
    const { maxCost = null, shared = null } = run ?? {};
    const envelope = shared ?? (maxCost === null ? null : { runId, limit: maxCost });
    return ledger.meterEmbedders({ tag: tagOf({ runId, userId, requestId, apiKeyId }), envelope });
  };
  return {
    search: async (request) => knowledge.search({ ...request, meter: await meterFor(request) }),
  };
}
