import type { SearchHit } from '../../kernel/run.ts';

/**
 * One answer of several collections' answers: the best hit of each, then the second ones, and so on. Scores compare
 * within one collection's answer only, so they order nothing here but the hits of one turn.
 */
export function interleave(answers: readonly SearchHit[][], topK: number): SearchHit[] {
  const longest = Math.max(0, ...answers.map(({ length }) => length));
  const turns = Array.from({ length: longest }, (_, turn) =>
    answers.flatMap((hits) => hits.slice(turn, turn + 1)).sort((a, b) => b.score - a.score),
  );
  return turns.flat().slice(0, topK);
}
