import type { Database } from './data/database.ts';
import type { EmbeddingBill, KnowledgeSearch, SearchRequest } from './kernel/knowledge-search.ts';
import type { Ledger } from './ledger/ledger.ts';

/** Who is billed for a plugin's search that names nobody. */
const nobody = { runId: '00000000-0000-0000-0000-000000000000', userId: 'system' };

/** The search that plugins are lent: what a hosted embedder bills for it is the usage of the run whose tool asked. */
export function billEmbeddings(
  knowledge: KnowledgeSearch,
  { ledger, database }: { ledger: Pick<Ledger, 'recordEmbedding'>; database: Database },
): KnowledgeSearch {
  const record = async (bill: EmbeddingBill, request: SearchRequest): Promise<void> => {
    const { runId, userId } = request.context ?? nobody;
    const [run] = await database.query<{ requestId: string; apiKeyId: string | null }>(
      'SELECT "requestId", "apiKeyId" FROM "Run" WHERE id = $1',
      [runId],
    );
    const prompt = { promptVersionId: null, promptName: null, experimentId: null, variant: null };
    const who = { runId, userId, requestId: run?.requestId ?? '', apiKeyId: run?.apiKeyId ?? null };
    await ledger.recordEmbedding({ ...who, ...prompt, kind: 'EMBEDDING' }, bill);
  };
  return {
    async search(request) {
      const bills: EmbeddingBill[] = [];
      try {
        return await knowledge.search({ ...request, onBilled: (bill) => void bills.push(bill) });
      } finally {
        for (const bill of bills) await record(bill, request);
      }
    },
  };
}
