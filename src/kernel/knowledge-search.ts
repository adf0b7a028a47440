import type { SearchHit } from './run.ts';

/** What a hosted embedder has billed for texts that were embedded. */
export interface EmbeddingBill {
  /** The embedder's name. */
  embedder: string;
  tokens: number;
  durationMs: number;
}

export interface SearchRequest {
  query: string;
  /** When left out: "default", else the only one there is. */
  collection?: string;
  /** 1 to 100, default 8. */
  topK?: number;
  filter?: unknown;
  mode?: 'HYBRID' | 'SEMANTIC' | 'KEYWORD';
  /** 0 to 1: what the embedder's score counts beside keywords in a hybrid search, instead of what the collection has. */
  embedderWeight?: number;
  /** 0 (default) to 1: how much a hit is pushed down for being like better ones. */
  diversity?: number;
  signal?: AbortSignal;
  /** Whose usage it is when a hosted embedder bills for the query: give a tool's context. */
  context?: { runId: string; userId: string };
  /** Told what a hosted embedder billed for the query, also when the search fails afterwards. */
  onBilled?: (bill: EmbeddingBill) => void;
}

/**
 * Retrieval, best first. Rejects with COLLECTION_NOT_FOUND or EMBEDDING_UNAVAILABLE, and with the knowledge room's
 * `InvalidFilterError` for a filter that says nothing sensible.
 */
export interface KnowledgeSearch {
  search(request: SearchRequest): Promise<SearchHit[]>;
}
