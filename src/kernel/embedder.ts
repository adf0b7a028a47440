export type EmbeddingPurpose = 'query' | 'document';

export interface EmbeddingResult {
  /** One vector of `dimensions` numbers for each text, in order, of length 1 (or all zero for a text with nothing in it). */
  vectors: number[][];
  /** Tokens billed by a hosted embedder; 0 for a local one. */
  billedTokens: number;
}

/**
 * Turns texts into vectors. `name` identifies the vectors it makes ("hash-512", "voyage-3.5:1024"): two embedders of one
 * name make comparable vectors. Rejects with a `DomainError` EMBEDDING_UNAVAILABLE, or `signal.reason` on abort.
 */
export interface Embedder {
  name: string;
  dimensions: number;
  /** How much its score counts beside keywords in hybrid search, 0 to 1 (0.2 for the built-in, about 0.5 for a hosted one). */
  weight: number;
  embed(
    texts: readonly string[],
    options: {
      purpose: EmbeddingPurpose;
      signal?: AbortSignal;
      /**
       * Told what each answered request was billed, as it comes: an embedder that makes several calls it, so that nothing
       * is lost when a later one fails. `billedTokens` is the sum.
       */
      onBilled?: (tokens: number) => void;
    },
  ): Promise<EmbeddingResult>;
}

/** The same embedder, billed to an account. It may reject with BUDGET_EXCEEDED. */
export type MeterEmbedder = (embedder: Embedder) => Embedder;
