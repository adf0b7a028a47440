import type { Embedder } from '../kernel/embedder.ts';

/** Vectors of questions asked lately. */
export interface QueryVectors {
  /** Embeds, unless it has been asked lately: then nothing is billed either. Rejects as the embedder does. */
  of(embedder: Embedder, query: string, signal: AbortSignal | undefined): Promise<number[]>;
}

const mostVectors = 200;

export function createQueryVectors(): QueryVectors {
  /** The one used longest ago first. */
  const known = new Map<string, number[]>();
  return {
    async of(embedder, query, signal) {
      const key = `${embedder.name}\0${query}`;
      const before = known.get(key);
      const vector =
        before ??
        (await embedder.embed([query], { purpose: 'query', ...(signal && { signal }) }))
          .vectors[0] ??
        [];
      known.delete(key);
      known.set(key, vector);
      if (known.size > mostVectors) known.delete(known.keys().next().value!);
      return vector;
    },
  };
}
