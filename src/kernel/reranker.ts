import type { z } from 'zod';
import type { PromptDefinition } from './prompt.ts';
import type { SearchHit } from './run.ts';

export interface RerankRequest {
  query: string;
  /** Best first, as retrieval found them; at most the reranker's `candidates`. */
  passages: readonly SearchHit[];
  signal: AbortSignal;
  /**
   * Has the model answer a prompt of the registry, paid for and recorded like every call. Resolves with a value of the
   * prompt's output schema, or with the text where it has none. Rejects with a `DomainError`.
   */
  runPrompt<Variables extends z.ZodObject, Output extends z.ZodType | undefined>(
    prompt: PromptDefinition<Variables, Output>,
    variables: z.input<Variables>,
  ): Promise<Output extends z.ZodType ? z.output<Output> : string>;
}

/** Compares each candidate with the question and reorders them. Slower and more expensive than retrieval, and more accurate. */
export interface Reranker {
  /** Lower kebab-case, unique over all plugins: the value of `rerank` in a search. */
  name: string;
  description: string;
  /** How many passages it is given at most, 1 to 100. Default 30. */
  candidates?: number;
  /** How well each passage answers the question, within [0, 1], in the order of the passages. */
  rerank(request: RerankRequest): Promise<readonly number[]>;
}
