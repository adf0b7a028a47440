import type { Role } from './access/principal.ts';
import type { Reader } from './access/readers.ts';
import type { Scopes } from './access/scopes.ts';
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
  /**
   * The run that a plugin's tool works for: pass the tool's context. Its user pays for what a hosted embedder bills, and
   * nothing is found that its user may not read. Without it only what everyone may read is found.
   */
  context?: {
    runId: string;
    userId: string;
    groups?: readonly string[];
    roles?: readonly Role[];
    scopes?: Scopes | null;
    requestId?: string;
    apiKeyId?: string | null;
  };
  /** The caller: bounds what is found, whatever `filter` says. A plugin's search has that of its `context`. */
  reader?: Reader;
  /** Bills what the embedder costs. A plugin's search is billed by its `context`. */
  meter?: MeterEmbedder;
}

/**
 * Retrieval, best first. Rejects with COLLECTION_NOT_FOUND (also for a collection that the caller may not read), EMBEDDING_UNAVAILABLE or BUDGET_EXCEEDED, and with the knowledge room's
 * `InvalidFilterError` for a filter that says nothing sensible.
 */
export interface KnowledgeSearch {
  search(request: SearchRequest): Promise<SearchHit[]>;
}
