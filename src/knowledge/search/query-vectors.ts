import { LRUCache } from 'lru-cache';
import type { Embedder } from '../../kernel/embedder.ts';

/** Vectors of questions asked lately. */
export interface QueryVectors {
  /** Embeds, unless it has been asked lately: then nothing is billed either. Rejects as the embedder does. */
  of(embedder: Embedder, query: string, signal: AbortSignal | undefined): Promise<number[]>;
}

const maxVectors = 200;

export function createQueryVectors(): QueryVectors {
  const known = new LRUCache<string, number[]>({ max: maxVectors });
  return {
    async of(embedder, query, signal) {
      const key = `${embedder.name}\0${query}`;
      const before = known.get(key);
      if (before) return before;
      const options = { purpose: 'query' as const, ...(signal && { signal }) };
      const { vectors } = await embedder.embed([query], options);
      const [vector = []] = vectors;
      known.set(key, vector);
      return vector;
    },
  };
}
