import type { MeterEmbedder } from './embedder.ts';
import type { SearchHit } from './run.ts';

export interface Rerank {
  /** How many passages it is given at most. */
  candidates: number;
  /** Relevance of each passage, within [0, 1]; null if it could not be determined, which keeps the order. */
  scores(passages: readonly SearchHit[]): Promise<readonly number[] | null>;
}

export interface SearchRequest {
  query: string;
  /** When left out: "default", else the only one that holds something. */
  collection?: string;
  /** When no collection is named: all that hold something, the best hit of each first, then the second ones, and so on. */
  everywhere?: boolean;
  /** 1 to 100, default 8. */
  topK?: number;
  filter?: unknown;
  mode?: 'HYBRID' | 'SEMANTIC' | 'KEYWORD';
  /** 0 to 1: weight of the embedder's score beside keywords in a hybrid search. Overrides the collection's. */
  embedderWeight?: number;
  /** 0 to 1, as `embedderWeight`: weight of the collection's latent space, if it has one. */
  latentWeight?: number;
  /** 0 (default) to 1: how much a hit is pushed down for being like better ones. */
  diversity?: number;
  /** Reorders the candidates before the list is cut. */
  rerank?: Rerank;
  signal?: AbortSignal;
  /** Account to bill if a hosted embedder bills for the query: a tool's context. */
  context?: { runId: string; userId: string; requestId?: string; apiKeyId?: string | null };
  /** Bills the embedder to an account. A plugin's search is metered by its `context`. */
  meter?: MeterEmbedder;
}

/**
 * Retrieval, best first. Rejects with COLLECTION_NOT_FOUND, EMBEDDING_UNAVAILABLE or BUDGET_EXCEEDED, and with the knowledge room's
 * `InvalidFilterError` for a filter that says nothing sensible.
 */
export interface KnowledgeSearch {
  search(request: SearchRequest): Promise<SearchHit[]>;
}
