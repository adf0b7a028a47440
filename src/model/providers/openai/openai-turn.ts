import type {
  AssistantBlock,
  ModelEvent,
  ModelUsage,
  StopReason,
  ToolCallBlock,
} from '../../../kernel/model.ts';
import { likelyTokens } from '../../token-estimate.ts';
import { providerError } from '../provider-error.ts';
import { parseToolInput } from '../tool-input.ts';
import type { OpenAiChunk, OpenAiToolCallDelta, OpenAiUsage } from './openai-chunk.ts';

const stopReasons: Readonly<Record<string, StopReason>> = {
  stop: 'end_turn',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  function_call: 'tool_use',
  content_filter: 'refusal',
};

interface GrowingCall {
  id: string;
  name: string;
  inputJson: string;
}

export interface OpenAiTurnOptions {
  provider: string;
  model: string;
  /** The input's tokens when the server does not tell them. */
  estimateInput: () => number;
}

/** Puts one streamed chat completion together. */
export class OpenAiTurn {
  readonly #options: OpenAiTurnOptions;
  readonly #calls: GrowingCall[] = [];
  #text = '';
  #thinking = '';
  #refusal = '';
  #stopReason: StopReason | null = null;
  #usage: ModelUsage | null = null;
  #finished = false;

  constructor(options: OpenAiTurnOptions) {
    this.#options = options;
  }

  /** The server said why it stopped: what is missing then is only the usage. */
  get stopped(): boolean {
    return this.#stopReason !== null;
  }

  /** `finish` was made. */
  get finished(): boolean {
    return this.#finished;
  }

  *take(chunk: OpenAiChunk): Generator<ModelEvent, void> {
    if (chunk.usage) {
      this.#usage = usageOf(chunk.usage);
      yield { type: 'usage', usage: this.#usage };
    }
    const [choice] = chunk.choices ?? [];
    if (choice?.finish_reason) this.#stopReason = stopReasons[choice.finish_reason] ?? 'end_turn';
    const {
      content,
      reasoning_content: thinking,
      refusal,
      tool_calls: calls,
    } = choice?.delta ?? {};
    if (thinking) {
      this.#thinking += thinking;
      yield { type: 'thinking', text: thinking };
    }
    if (content) {
      this.#text += content;
      yield { type: 'text', text: content };
    }
    this.#refusal += refusal ?? '';
    for (const call of calls ?? []) this.#growCall(call);
  }

  #growCall({ index, id, function: said }: OpenAiToolCallDelta): void {
    const call = this.#calls[index] ?? { id: '', name: '', inputJson: '' };
    this.#calls[index] = call;
    call.id = id ?? call.id;
    call.name += said?.name ?? '';
    call.inputJson += said?.arguments ?? '';
  }

  /** The bill so far: the server's numbers, or an estimate. */
  bill(): Extract<ModelEvent, { type: 'usage' }> {
    if (this.#usage) return { type: 'usage', usage: this.#usage };
    const calls = this.#calls.map(({ name, inputJson }) => `${name}${inputJson}`).join('');
    const usage = {
      inputTokens: this.#options.estimateInput(),
      cacheReadTokens: 0,
      cacheWrite5mTokens: 0,
      cacheWrite1hTokens: 0,
      outputTokens: likelyTokens(this.#text + this.#thinking + this.#refusal + calls),
    };
    return { type: 'usage', usage, estimated: true };
  }

  finish(): ModelEvent {
    const refused = this.#refusal !== '';
    const stopReason = refused ? 'refusal' : (this.#stopReason ?? 'end_turn');
    const text: AssistantBlock[] = this.#text === '' ? [] : [{ type: 'text', text: this.#text }];
    const content = [...text, ...this.#toolCalls(stopReason)];
    this.#finished = true;
    return {
      type: 'finish',
      stopReason,
      usage: this.bill().usage,
      message: { role: 'assistant', content },
      ...(refused ? { refusal: this.#refusal } : {}),
    };
  }

  #toolCalls(stopReason: StopReason): ToolCallBlock[] {
    const whole = this.#calls.flatMap(({ id, name, inputJson }): ToolCallBlock[] => {
      const input = parseToolInput(inputJson);
      return input === undefined ? [] : [{ type: 'tool_call', id, name, input }];
    });
    if (whole.length < this.#calls.length && stopReason === 'tool_use') {
      throw providerError({ kind: 'broken_stream', ...this.#options });
    }
    return whole;
  }
}

/** Their `prompt_tokens` counts what was read from the cache too. */
function usageOf(usage: OpenAiUsage): ModelUsage {
  const cacheReadTokens = usage.prompt_tokens_details?.cached_tokens ?? 0;
  return {
    inputTokens: Math.max(0, usage.prompt_tokens - cacheReadTokens),
    cacheReadTokens,
    cacheWrite5mTokens: 0,
    cacheWrite1hTokens: 0,
    outputTokens: usage.completion_tokens,
  };
}
