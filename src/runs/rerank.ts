import { isDomainError } from '../kernel/errors.ts';
import { InvalidInputError } from '../kernel/invalid-input-error.ts';
import type { Rerank } from '../kernel/knowledge-search.ts';
import type { Log } from '../kernel/log.ts';
import type { Registered, Registry } from '../kernel/registry/registry.ts';
import type { Reranker, RerankRequest } from '../kernel/reranker.ts';
import { raceAbort } from '../kernel/timing/race-abort.ts';
import type { NamedPrompt } from '../prompts/prompts.ts';

/** When the reranker does not say. */
const usualCandidates = 30;

/** Throws an `InvalidInputError` when there is none of that name. */
export function findReranker(name: string, registry: Registry): Registered<Reranker> {
  const reranker = registry.rerankers.get(name);
  if (reranker) return reranker;
  const known = [...registry.rerankers.keys()].map((each) => `"${each}"`).join(', ');
  throw new InvalidInputError(
    `There is no reranker "${name}"; ${known ? `there are: ${known}.` : 'no plugin of this server brings one.'}`,
  );
}

interface RerankOptions {
  query: string;
  signal: AbortSignal;
  /** Has the model answer a prompt, at the expense of whoever searches. */
  promptAnswer(named: NamedPrompt): Promise<unknown>;
  log: Log;
}

/**
 * The reranker as a search takes it. Should it fail, what retrieval found stands, in its order: all but a budget without
 * room and a caller who has left, of which the search's caller is told.
 */
export function rerankWith(
  reranker: Registered<Reranker>,
  { query, signal, promptAnswer, log }: RerankOptions,
): Rerank {
  const runPrompt = (({ name }, variables) =>
    promptAnswer({ name, variables })) as RerankRequest['runPrompt'];
  return {
    candidates: reranker.candidates ?? usualCandidates,
    async scores(passages) {
      try {
        const scores = await raceAbort(signal, async () =>
          reranker.rerank({ query, passages, signal, runPrompt }),
        );
        return checked(scores, passages.length);
      } catch (error) {
        signal.throwIfAborted();
        if (isDomainError(error, 'BUDGET_EXCEEDED')) throw error;
        const { name, plugin } = reranker;
        log.warn({ err: error, reranker: name, plugin }, 'passages are not reranked');
        return null;
      }
    },
  };
}

function checked(scores: readonly number[], passages: number): number[] {
  const sound = scores.length === passages && scores.every((score) => Number.isFinite(score));
  if (!sound) throw new Error(`the reranker did not answer with ${passages} numbers`);
  return scores.map((score) => Math.min(1, Math.max(0, score)));
}
