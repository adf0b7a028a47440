import type { RankedChunk } from './keyword-ranking.ts';

/** One ranking of a question and what its best score counts. */
export interface Signal {
  ranked: readonly RankedChunk[];
  weight: number;
}

/**
 * Adds rankings of the same question, each normalised by its best score, with their weights (together at most 1). Never
 * rank fusion: ranks forget how far apart scores are, and interleave a bad list with a good one. Scores within [0, 1],
 * best first; ties by id, so that equal searches answer equally.
 */
export function fuseScores(signals: readonly Signal[]): RankedChunk[] {
  const scores = new Map<string, number>();
  for (const { ranked, weight } of signals) {
    const best = bestScore(ranked);
    if (best <= 0) continue;
    for (const { chunkId, score } of ranked)
      scores.set(chunkId, (scores.get(chunkId) ?? 0) + (weight * Math.max(0, score)) / best);
  }
  const fused = [...scores].map(([chunkId, score]) => ({ chunkId, score: Math.min(1, score) }));
  return fused.sort(byScore);
}

export const bestScore = (ranked: readonly RankedChunk[]): number =>
  ranked.reduce((highest, { score }) => Math.max(highest, score), 0);

/** Best first, ties by id. */
export const byScore = (a: RankedChunk, b: RankedChunk): number =>
  b.score - a.score || (a.chunkId < b.chunkId ? -1 : 1);
