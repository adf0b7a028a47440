import type { Database } from '../data/database.ts';
import { anyone, type Reader } from '../kernel/access/readers.ts';
import type { MeterEmbedder } from '../kernel/embedder.ts';
import type { KnowledgeSearch, SearchRequest } from '../kernel/knowledge-search.ts';
import type { HoldRequest, Ledger, UsageTag } from '../ledger/ledger.ts';

type Envelope = NonNullable<HoldRequest['envelope']>;
type MeteringLedger = Pick<Ledger, 'meterEmbedders'>;

const noRun = '00000000-0000-0000-0000-000000000000';

/** Pays for a plugin's search that names no run. */
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

/** The user who asked for it pays for embedding a collection again. */
export const meterReembedding =
  (ledger: MeteringLedger) =>
  (userId: string): MeterEmbedder =>
    ledger.meterEmbedders({ tag: tagOf({ runId: noRun, userId, requestId: '', apiKeyId: null }) });

interface SearchingRun extends Reader {
  requestId: string;
  apiKeyId: string | null;
  maxCost: string | null;
  shared: Envelope | null;
}

/**
 * The search that plugins are given: the run whose tool asked pays for a hosted embedder's work, and its user reads. A
 * stored run says who that is; a call outside of any run says it by its context.
 */
export function meterSearch(
  knowledge: KnowledgeSearch,
  { ledger, database }: { ledger: MeteringLedger; database: Database },
): KnowledgeSearch {
  const findRun = async (runId: string): Promise<SearchingRun | undefined> => {
    const [run] = await database.query<SearchingRun>(
      `SELECT "userId", "groups", "roles", "scopes", "requestId", "apiKeyId", trim_scale("maxCost")::text AS "maxCost",
         "input"->'envelope' AS "shared"
       FROM "Run" WHERE id = $1`,
      [runId],
    );
    return run;
  };
  const meterFor = (asked: typeof nobody, run: SearchingRun | undefined): MeterEmbedder => {
    const { runId, userId } = asked;
    const { requestId = '', apiKeyId = null } = run ?? asked;
    const { maxCost = null, shared = null } = run ?? {};
    const envelope = shared ?? (maxCost === null ? null : { runId, limit: maxCost });
    return ledger.meterEmbedders({ tag: tagOf({ runId, userId, requestId, apiKeyId }), envelope });
  };
  return {
    async search(request) {
      const { context } = request;
      const run = context && (await findRun(context.runId));
      const { userId = '', groups = [], roles = [], scopes = null } = run ?? context ?? anyone;
      const reader = { userId, groups, roles, scopes };
      return knowledge.search({ ...request, reader, meter: meterFor(context ?? nobody, run) });
    },
  };
}
