import type { SearchRequest } from '../../kernel/knowledge-search.ts';
import type { SearchHit } from '../../kernel/run.ts';
import { diversify } from './diversify.ts';
import { resultsOf } from './search-collection.ts';

/**
 * Has the request's reranker, where it names one, score more passages than are asked for, and answers the best of them.
 * Its scores take the place of retrieval's, also where several collections answered, whose scores do not compare;
 * passages of one score keep their order.
 */
export async function searchReranked(
  request: SearchRequest,
  search: (request: SearchRequest) => Promise<SearchHit[]>,
): Promise<SearchHit[]> {
  const { rerank, diversity = 0, ...rest } = request;
  if (!rerank) return search(request);
  const topK = resultsOf(request);
  const found = await search({ ...rest, topK: Math.max(topK, rerank.candidates) });
  const passages = found.slice(0, rerank.candidates);
  const scores = passages.length > 1 ? await rerank.scores(passages) : null;
  const ranked = scores ? byScores(passages, scores) : found;
  return diversity === 0 ? ranked.slice(0, topK) : diversify(ranked, topK, diversity);
}

const byScores = (passages: readonly SearchHit[], scores: readonly number[]): SearchHit[] =>
  passages
    .map((passage, index) => ({ ...passage, score: scores[index]! }))
    .sort((one, other) => other.score - one.score);
