import type { Database } from './data/database.ts';
import type { EmbeddingBill, KnowledgeSearch, SearchRequest } from './kernel/knowledge-search.ts';
import type { Ledger } from './ledger/ledger.ts';

/** Whose usage it is: the run, where one stands behind it. */
interface Billed {
  runId: string;
  userId: string;
  requestId: string;
  apiKeyId: string | null;
}

const noRun = '00000000-0000-0000-0000-000000000000';

/** Who is billed for a plugin's search that names nobody. */
const nobody = { runId: noRun, userId: 'system' };

const noPrompt = { promptVersionId: null, promptName: null, experimentId: null, variant: null };

type EmbeddingLedger = Pick<Ledger, 'recordEmbedding'>;

async function record(ledger: EmbeddingLedger, bill: EmbeddingBill, who: Billed): Promise<void> {
  await ledger.recordEmbedding({ ...who, ...noPrompt, kind: 'EMBEDDING' }, bill);
}

/** Records what embedding a collection anew is billed, as the usage of who asked for it. */
export const billReembedding =
  (ledger: EmbeddingLedger) =>
  (bill: EmbeddingBill, userId: string): Promise<void> =>
    record(ledger, bill, { runId: noRun, userId, requestId: '', apiKeyId: null });

/** The search that plugins are lent: what a hosted embedder bills for it is the usage of the run whose tool asked. */
export function billEmbeddings(
  knowledge: KnowledgeSearch,
  { ledger, database }: { ledger: EmbeddingLedger; database: Database },
): KnowledgeSearch {
  const recordFor = async (request: SearchRequest, bill: EmbeddingBill): Promise<void> => {
    const { runId, userId } = request.context ?? nobody;
    const [run] = await database.query<{ requestId: string; apiKeyId: string | null }>(
      'SELECT "requestId", "apiKeyId" FROM "Run" WHERE id = $1',
      [runId],
    );
    const { requestId = '', apiKeyId = null } = run ?? {};
    await record(ledger, bill, { runId, userId, requestId, apiKeyId });
  };
  return {
    async search(request) {
      const bills: EmbeddingBill[] = [];
      try {
        return await knowledge.search({ ...request, onBilled: (bill) => void bills.push(bill) });
      } finally {
        for (const bill of bills) await recordFor(request, bill);
      }
    },
  };
}
