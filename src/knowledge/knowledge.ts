import type { MeterEmbedder } from '../kernel/embedder.ts';
import type { Issue } from '../kernel/errors.ts';
import type { KnowledgeSearch } from '../kernel/knowledge-search.ts';
import type { ModelCitation, SearchResultBlock } from '../kernel/model.ts';
import type { Page, PageRequest } from '../kernel/page.ts';
import type { Citation, SearchHit } from '../kernel/run.ts';

export interface CollectionRecord {
  id: string;
  name: string;
  documents: number;
  chunks: number;
  /** The embedder's name. */
  embeddingModel: string;
  dimensions: number;
  /** Calibrated for this collection; null: the embedder's own. */
  embedderWeight: number | null;
  /** Chunks that its latent space was fitted to; 0 before the first fit. */
  latentChunks: number;
  /** The embedder that is to take over, once every chunk has its vector. */
  reembedding: ReembeddingRecord | null;
}

export interface ReembeddingRecord {
  embeddingModel: string;
  dimensions: number;
  /** Chunks that have its vector by now. */
  chunks: number;
  /** What kept the last attempt from going on; it is tried again. */
  problem: string | null;
}

/** What is left out stays as it is. */
export interface CollectionChange {
  name: string;
  /** The name of another embedder of this server; that of the present one calls a change off. */
  embeddingModel?: string;
  /** 0 to 1; null: the embedder's own again. */
  embedderWeight?: number | null;
}

export interface DocumentRecord {
  id: string;
  collection: string;
  source: string;
  title: string | null;
  metadata: Record<string, unknown>;
  chunks: number;
  createdAt: Date;
  updatedAt: Date;
}

export interface DocumentToIngest {
  source: string;
  title?: string | null;
  text: string;
  metadata?: unknown;
}

export interface IngestResult {
  documents: DocumentRecord[];
  created: number;
  updated: number;
  unchanged: number;
  chunks: number;
  /** Documents that were refused, each with what to mend; the rest of the batch is stored. */
  rejected: { source: string; issues: Issue[] }[];
  /** Tokens billed by a hosted embedder. */
  billedTokens: number;
  embedder: string;
}

/** Found passages made ready for the model, each sentence or paragraph a citable unit. */
export interface PackedSources {
  /** The hits that fit the budget, best first: what `sourceIndex` counts. */
  sources: SearchHit[];
  /** One block for each source, in the same order. */
  blocks: SearchResultBlock[];
}

export interface Knowledge extends KnowledgeSearch {
  collections(): Promise<CollectionRecord[]>;
  /**
   * Changes a collection's settings. Another embedder makes its vectors in the background, billed to `userId`, while the
   * present ones serve. Rejects with COLLECTION_NOT_FOUND, and with EMBEDDING_UNAVAILABLE for an embedder that is not
   * configured here.
   */
  updateCollection(change: CollectionChange, userId: string): Promise<CollectionRecord>;
  /** Removes it with its documents and everything derived. Rejects with COLLECTION_NOT_FOUND. */
  deleteCollection(name: string): Promise<CollectionRecord>;
  documents(request: PageRequest & { collection?: string | null }): Promise<Page<DocumentRecord>>;
  documentsById(ids: readonly string[]): Promise<(DocumentRecord | null)[]>;
  /**
   * Stores, chunks, indexes and embeds. The same source again replaces; unchanged text is not embedded again. Makes the
   * collection if need be. Rejects with EMBEDDING_UNAVAILABLE or BUDGET_EXCEEDED, and then nothing of the batch is half
   * stored.
   */
  ingest(
    input: { collection: string; documents: readonly DocumentToIngest[] },
    options?: {
      signal?: AbortSignal;
      /** Told the collection's embedder before anything is done. */
      onStarted?: (embedder: string) => void;
      onProgress?: (done: number, total: number) => void;
      /** Has somebody pay for the embedder. */
      meter?: MeterEmbedder;
    },
  ): Promise<IngestResult>;
  /** Removes it with everything derived. Rejects with NOT_FOUND. */
  deleteDocument(id: string): Promise<DocumentRecord>;
  /** Packs hits into a token budget. */
  pack(hits: readonly SearchHit[], tokenBudget: number): PackedSources;
  /** The citation with its words as they stand in the source; null when they do not: it must not be served then. */
  verify(packed: PackedSources, citation: ModelCitation, textEnd: number): Citation | null;
  /**
   * Citations of an answer that marks its claims with [1], [2] … after its sources: only those whose words stand there.
   * `sourcesBefore`: those of the conversation before these, which are counted too.
   */
  parseBracketCitations(text: string, packed: PackedSources, sourcesBefore?: number): Citation[];
  close(): Promise<void>;
}
