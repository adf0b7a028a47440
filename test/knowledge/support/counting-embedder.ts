import type { Embedder } from '../../../src/kernel/embedder.ts';
import { DomainError } from '../../../src/kernel/errors.ts';
import { createHashEmbedder } from '../../../src/knowledge/embedders/hash-embedder.ts';

export interface CountingEmbedder extends Embedder {
  /** Every text embedded as a document so far. */
  embedded: string[];
  /** Every text embedded as a question so far. */
  questions: string[];
  failing: boolean;
  /** Awaited before each embedding. */
  before: () => Promise<void>;
}

/** The built-in embedder under another name, watched: what it is asked, and failing on demand. */
export function createCountingEmbedder(name = 'counting'): CountingEmbedder {
  const inner = createHashEmbedder();
  const embedder: CountingEmbedder = {
    name,
    dimensions: inner.dimensions,
    weight: 0.5,
    embedded: [],
    questions: [],
    failing: false,
    before: async () => undefined,
    async embed(texts, options) {
      await embedder.before();
      if (embedder.failing) throw new DomainError('EMBEDDING_UNAVAILABLE', 'The embedder is down.');
      (options.purpose === 'document' ? embedder.embedded : embedder.questions).push(...texts);
      const { vectors } = await inner.embed(texts, options);
      return { vectors, billedTokens: texts.length };
    },
  };
  return embedder;
}
