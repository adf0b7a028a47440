import type { Reader } from '../kernel/access/readers.ts';
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
  /** `user:NAME`, `group:NAME` or `*`; admins read it besides. */
  readers: string[];
  /** The same for who ingests and deletes documents; empty: editors. */
  writers: string[];
}

/** Whether somebody may read a collection, and why. */
export interface CollectionAccess {
  collection: string;
  mayRead: boolean;
  /** Why, or why not, and what to do about it. */
  reason: string;
  documents: number;
  /** Those of them that it may read. */
  readableDocuments: number;
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
  readers?: readonly string[];
  writers?: readonly string[];
}

export interface DocumentRecord {
  id: string;
  collection: string;
  source: string;
  title: string | null;
  metadata: Record<string, unknown>;
  /** Those of the collection's readers who may read it; null: all of them. */
  readers: string[] | null;
  chunks: number;
  createdAt: Date;
  updatedAt: Date;
}

export interface DocumentToIngest {
  source: string;
  title?: string | null;
  text: string;
  metadata?: unknown;
  /** Left out: as before, where the source was there before. Null: every reader of the collection. */
  readers?: readonly string[] | null;
}

export interface IngestInput {
  collection: string;
  documents: readonly DocumentToIngest[];
  /** Beside its maker, of a collection that this makes. */
  readers?: readonly string[] | null;
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
  /** Those that the reader may read, with what it may read in them. */
  collections(reader: Reader): Promise<CollectionRecord[]>;
  /** Why a user finds what it finds: every collection, as that reader meets it. */
  access(reader: Reader): Promise<CollectionAccess[]>;
  /**
   * Changes a collection's settings. Another embedder makes its vectors in the background, billed to the caller, while the
   * present ones serve. Rejects with COLLECTION_NOT_FOUND, with FORBIDDEN, and with EMBEDDING_UNAVAILABLE for an
   * embedder that is not configured here.
   */
  updateCollection(change: CollectionChange, by: Reader): Promise<CollectionRecord>;
  /** Removes it with its documents and everything derived. Rejects with COLLECTION_NOT_FOUND and with FORBIDDEN. */
  deleteCollection(name: string, by: Reader): Promise<CollectionRecord>;
  /** Those that the reader may read. */
  documents(
    request: PageRequest & { collection?: string | null },
    reader: Reader,
  ): Promise<Page<DocumentRecord>>;
  /** Null for one that the reader may not read, as for one that is not there. */
  documentsById(ids: readonly string[], reader: Reader): Promise<(DocumentRecord | null)[]>;
  /** Rejects with FORBIDDEN when the caller may not ingest into the collection, or make it. */
  checkMayIngest(collection: string, by: Reader): Promise<void>;
  /**
   * Stores, chunks, indexes and embeds. The same source again replaces; unchanged text is not embedded again. Makes the
   * collection if need be. Rejects with FORBIDDEN, EMBEDDING_UNAVAILABLE or BUDGET_EXCEEDED, and then nothing of the batch is half
   * stored.
   */
  ingest(
    input: IngestInput,
    options: {
      /** Reads the collection if this makes it. */
      by: Reader;
      signal?: AbortSignal;
      /** Told the collection's embedder before anything is done. */
      onStarted?: (embedder: string) => void;
      onProgress?: (done: number, total: number) => void;
      /** Bills what the embedder costs. */
      meter?: MeterEmbedder;
    },
  ): Promise<IngestResult>;
  /** Removes it with everything derived. Rejects with NOT_FOUND and with FORBIDDEN. */
  deleteDocument(id: string, by: Reader): Promise<DocumentRecord>;
  /** Packs hits into a token budget. */
  pack(hits: readonly SearchHit[], tokenBudget: number): PackedSources;
  /** The citation with its words as they stand in the source; null when they do not: it must not be served then. */
  verify(packed: PackedSources, citation: ModelCitation, textEnd: number): Citation | null;
  /** Citations of an answer that marks its claims with [1], [2] … after its sources: only those whose words stand there. */
  parseBracketCitations(text: string, packed: PackedSources): Citation[];
  close(): Promise<void>;
}
