import type { MeterEmbedder } from './embedder.ts';
import type { SearchHit } from './run.ts';

export interface Rerank {
  /** How many passages it is given at most. */
  candidates: number;
  /** How well each passage answers, within [0, 1]; null where that could not be told: their order is kept then. */
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
  /** 0 to 1: what the embedder's score counts beside keywords in a hybrid search, instead of what the collection has. */
  embedderWeight?: number;
  /** 0 to 1, as `embedderWeight`: what the collection's latent space counts, where it has one. */
  latentWeight?: number;
  /** 0 (default) to 1: how much a hit is pushed down for being like better ones. */
  diversity?: number;
  /** Orders what was found anew, before the rest is cut off. */
  rerank?: Rerank;
  signal?: AbortSignal;
  /** Who pays when a hosted embedder bills for the query: give a tool's context. */
  context?: { runId: string; userId: string; requestId?: string; apiKeyId?: string | null };
  /** Has somebody pay for the embedder. A plugin's search is metered for it, by its `context`. */
  meter?: MeterEmbedder;
}

/**
 * Retrieval, best first. Rejects with COLLECTION_NOT_FOUND, EMBEDDING_UNAVAILABLE or BUDGET_EXCEEDED, and with the knowledge room's
 * `InvalidFilterError` for a filter that says nothing sensible.
 */
export interface KnowledgeSearch {
  search(request: SearchRequest): Promise<SearchHit[]>;
}
