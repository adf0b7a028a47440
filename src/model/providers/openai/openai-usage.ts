import type { ModelUsage } from '../../../kernel/model.ts';
import { type Json, listOf, recordOf } from '../json-fields.ts';
import { tokenCount } from '../token-count.ts';

/**
 * The numbers of a stream, which may come in any chunk, in parts, and more than once: the last that is known of each
 * class holds. A number that is absent, null, 0 or no count says nothing.
 */
export class OpenAiUsage {
  #promptTokens = 0;
  #cacheReadTokens = 0;
  #outputTokens = 0;

  /** Takes the numbers of a chunk, if it has any; true when it has the output's. */
  merge(chunk: Json): boolean {
    const reported = usageIn(chunk);
    if (!reported) return false;
    this.#promptTokens = promptOf(reported) || this.#promptTokens;
    this.#cacheReadTokens = cachedOf(reported) || this.#cacheReadTokens;
    const outputTokens = this.#outputOf(reported);
    this.#outputTokens = outputTokens || this.#outputTokens;
    return outputTokens !== null;
  }

  get inputKnown(): boolean {
    return this.#promptTokens > 0;
  }

  get tokens(): ModelUsage {
    return {
      inputTokens: this.#promptIncludesCached
        ? this.#promptTokens - this.#cacheReadTokens
        : this.#promptTokens,
      cacheReadTokens: this.#cacheReadTokens,
      cacheWrite5mTokens: 0,
      cacheWrite1hTokens: 0,
      outputTokens: this.#outputTokens,
    };
  }

  /** As OpenAI counts; a server that reports more cached than in all counts them apart. */
  get #promptIncludesCached(): boolean {
    return this.#cacheReadTokens <= this.#promptTokens;
  }

  /** Some servers leave the tokens of reasoning out of the output, and count them in the total. Null when not known. */
  #outputOf(reported: Json): number | null {
    const details = recordOf(
      reported['completion_tokens_details'] ?? reported['output_tokens_details'],
    );
    const reasoning = tokenCount(details?.['reasoning_tokens']) ?? 0;
    const said = tokenCount(reported['completion_tokens'] ?? reported['output_tokens']);
    const total = tokenCount(reported['total_tokens']);
    const cachedApart = this.#promptIncludesCached ? 0 : this.#cacheReadTokens;
    const rest = total === null ? 0 : total - this.#promptTokens - cachedApart;
    const known = said ?? (rest > 0 && this.inputKnown ? rest : null);
    if (known === null) return null;
    const withReasoning = reasoning > known ? known + reasoning : known;
    return this.inputKnown ? Math.max(withReasoning, rest) : withReasoning;
  }
}

/** Groq and Moonshot have places of their own for it. */
function usageIn(chunk: Json): Json | null {
  const choice = recordOf(listOf(chunk['choices'])[0]);
  return (
    recordOf(chunk['usage']) ??
    recordOf(choice?.['usage']) ??
    recordOf(recordOf(chunk['x_groq'])?.['usage'])
  );
}

const promptOf = (reported: Json): number | null =>
  tokenCount(reported['prompt_tokens'] ?? reported['input_tokens']);

/** DeepSeek has a field of its own for it. */
function cachedOf(reported: Json): number | null {
  const details = recordOf(reported['prompt_tokens_details'] ?? reported['input_tokens_details']);
  return tokenCount(details?.['cached_tokens'] ?? reported['prompt_cache_hit_tokens']);
}
