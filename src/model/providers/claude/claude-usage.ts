import type { ModelUsage } from '../../../kernel/model.ts';
import { type Json, recordOf } from '../json-fields.ts';
import { tokenCount } from '../token-count.ts';

/**
 * The numbers of a stream, which come in parts and are cumulative. A number that is absent, null, 0 or no count says
 * nothing and leaves the former one: proxies send the closing numbers without those of the opening.
 */
export class ClaudeUsage {
  #inputTokens = 0;
  #cacheReadTokens = 0;
  #cacheWrite5mTokens = 0;
  #cacheWrite1hTokens = 0;
  #outputTokens = 0;

  merge(usage: unknown): void {
    const reported = recordOf(usage);
    if (!reported) return;
    this.#inputTokens = tokenCount(reported['input_tokens']) || this.#inputTokens;
    this.#outputTokens = tokenCount(reported['output_tokens']) || this.#outputTokens;
    this.#cacheReadTokens =
      tokenCount(reported['cache_read_input_tokens']) || this.#cacheReadTokens;
    this.#mergeWrites(reported);
  }

  /** Whether the prompt's size is known: no prompt is empty. */
  get inputKnown(): boolean {
    const { inputTokens, cacheReadTokens, cacheWrite5mTokens, cacheWrite1hTokens } = this.tokens;
    return inputTokens + cacheReadTokens + cacheWrite5mTokens + cacheWrite1hTokens > 0;
  }

  get tokens(): ModelUsage {
    return {
      inputTokens: this.#inputTokens,
      cacheReadTokens: this.#cacheReadTokens,
      cacheWrite5mTokens: this.#cacheWrite5mTokens,
      cacheWrite1hTokens: this.#cacheWrite1hTokens,
      outputTokens: this.#outputTokens,
    };
  }

  /** Only some events split the writes by their lifetime; what more was written is of five minutes. */
  #mergeWrites(reported: Json): void {
    const split = recordOf(reported['cache_creation']);
    this.#cacheWrite5mTokens =
      tokenCount(split?.['ephemeral_5m_input_tokens']) || this.#cacheWrite5mTokens;
    this.#cacheWrite1hTokens =
      tokenCount(split?.['ephemeral_1h_input_tokens']) || this.#cacheWrite1hTokens;
    const written = tokenCount(reported['cache_creation_input_tokens']) ?? 0;
    const more = written - this.#cacheWrite5mTokens - this.#cacheWrite1hTokens;
    this.#cacheWrite5mTokens += Math.max(0, more);
  }
}
