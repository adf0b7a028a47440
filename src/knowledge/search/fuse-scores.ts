import type { RankedChunk } from './keyword-ranking.ts';

/** One ranking of a question and what its best score counts. */
export interface Signal {
  ranked: readonly RankedChunk[];
  weight: number;
}

/**
 * Adds rankings of the same question, each normalised by its best score, with their weights (together at most 1). Never
 * rank fusion: ranks forget how far apart scores are, and interleave a bad list with a good one. Scores within [0, 1],
 * best first: scores below 0 count nothing, but decide between equals; then the id, so that equal searches answer equally.
 */
export function fuseScores(signals: readonly Signal[]): RankedChunk[] {
  const sums = new Map<string, { counted: number; below: number }>();
  for (const { ranked, weight } of signals) {
    const best = bestScore(ranked);
    for (const { chunkId, score } of ranked) {
      const sum = sums.get(chunkId) ?? { counted: 0, below: 0 };
      if (score > 0) sum.counted += (weight * score) / best;
      else sum.below += weight * score;
      sums.set(chunkId, sum);
    }
  }
  return [...sums]
    .map(([chunkId, { counted, below }]) => ({ chunkId, score: counted > 0 ? counted : below }))
    .sort(byScore)
    .map(({ chunkId, score }) => ({ chunkId, score: Math.min(1, Math.max(0, score)) }));
}

export const bestScore = (ranked: readonly RankedChunk[]): number =>
  ranked.reduce((highest, { score }) => Math.max(highest, score), 0);

/** Best first, ties by id. */
export const byScore = (a: RankedChunk, b: RankedChunk): number =>
  b.score - a.score || (a.chunkId < b.chunkId ? -1 : 1);
