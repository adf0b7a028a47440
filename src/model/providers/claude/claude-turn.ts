import type {
  CitationsDelta,
  ContentBlock,
  MessageDeltaUsage,
  RawContentBlockDelta,
  RawContentBlockStartEvent,
  RawMessageDeltaEvent,
  RawMessageStreamEvent,
  Usage,
} from '@anthropic-ai/sdk/resources/messages/messages';
import type { AssistantBlock, ModelEvent, ModelUsage, StopReason } from '../../../kernel/model.ts';
import { likelyTokens } from '../../token-estimate.ts';
import { providerError } from '../provider-error.ts';
import { parseToolInput } from '../tool-input.ts';

/** A tool call's frame around its name and input. */
const toolCallTokens = 8;

/** The API's block as it grows; a tool call's input stays raw until it is whole. */
interface GrowingBlock {
  block: ContentBlock;
  inputJson: string;
  complete: boolean;
}

const stopReasons: Readonly<Record<string, StopReason>> = {
  end_turn: 'end_turn',
  max_tokens: 'max_tokens',
  stop_sequence: 'stop_sequence',
  tool_use: 'tool_use',
  pause_turn: 'pause_turn',
  refusal: 'refusal',
  model_context_window_exceeded: 'context_window_exceeded',
};

/** Puts one streamed answer of Claude together: feed it every event in order. */
export class ClaudeTurn {
  readonly #provider: string;
  readonly #model: string;
  readonly #blocks: GrowingBlock[] = [];
  #usage: ModelUsage | null = null;
  #outputReported = false;
  #stopReason: StopReason = 'end_turn';
  #refusal: string | null = null;
  #complete = false;

  constructor(provider: string, model: string) {
    this.#provider = provider;
    this.#model = model;
  }

  /** `message_stop` came. */
  get complete(): boolean {
    return this.#complete;
  }

  /** What to tell of an event; null when there is nothing to tell yet. */
  take(event: RawMessageStreamEvent): ModelEvent | null {
    switch (event.type) {
      case 'message_start':
        this.#usage = usageOf(event.message.usage);
        return { type: 'usage', usage: this.#usage };
      case 'content_block_start':
        return this.#open(event);
      case 'content_block_delta':
        return this.#grow(this.#blocks[event.index], event.delta);
      case 'content_block_stop':
        this.#close(this.#blocks[event.index]);
        return null;
      case 'message_delta':
        return this.#end(event);
      case 'message_stop':
        return this.#finish();
      default:
        return null;
    }
  }

  /** The bill of an answer that broke off: null before it began; estimated unless the API had said the output. */
  brokenOff(): Extract<ModelEvent, { type: 'usage' }> | null {
    if (!this.#usage) return null;
    if (this.#outputReported) return { type: 'usage', usage: this.#usage };
    const outputTokens = this.#blocks.reduce((sum, growing) => sum + outputOf(growing), 0);
    const usage = {
      ...this.#usage,
      outputTokens: Math.max(this.#usage.outputTokens, outputTokens),
    };
    return { type: 'usage', usage, estimated: true };
  }

  #open({ index, content_block: block }: RawContentBlockStartEvent): ModelEvent | null {
    this.#blocks[index] = { block: { ...block }, inputJson: '', complete: false };
    return block.type === 'text' && block.text !== '' ? { type: 'text', text: block.text } : null;
  }

  #grow(growing: GrowingBlock | undefined, delta: RawContentBlockDelta): ModelEvent | null {
    const block = growing?.block;
    switch (delta.type) {
      case 'text_delta':
        if (block?.type === 'text') block.text += delta.text;
        return { type: 'text', text: delta.text };
      case 'thinking_delta':
        if (block?.type === 'thinking') block.thinking += delta.thinking;
        return { type: 'thinking', text: delta.thinking };
      case 'signature_delta':
        if (block?.type === 'thinking') block.signature = delta.signature;
        return null;
      case 'input_json_delta':
        if (growing) growing.inputJson += delta.partial_json;
        return null;
      case 'citations_delta':
        if (block?.type === 'text') block.citations = [...(block.citations ?? []), delta.citation];
        return citationOf(delta.citation);
      default:
        return null;
    }
  }

  #close(growing: GrowingBlock | undefined): void {
    if (!growing) return;
    growing.complete = true;
    if (growing.block.type !== 'tool_use') return;
    const input = parseToolInput(growing.inputJson);
    if (input === undefined) growing.complete = false;
    else growing.block.input = input;
  }

  #end({ delta, usage }: RawMessageDeltaEvent): ModelEvent | null {
    this.#stopReason = stopReasons[delta.stop_reason ?? ''] ?? 'end_turn';
    const details = delta.stop_details;
    if (details) this.#refusal = details.explanation ?? details.category;
    this.#outputReported = true;
    this.#usage = mergeUsage(this.#usage, usage);
    return { type: 'usage', usage: this.#usage };
  }

  #finish(): ModelEvent {
    const whole = this.#blocks.filter(
      ({ block, complete }) => block.type !== 'tool_use' || complete,
    );
    if (whole.length < this.#blocks.length && this.#stopReason === 'tool_use') {
      throw providerError({ kind: 'broken_stream', provider: 'Claude', model: this.#model });
    }
    const content = whole.flatMap(({ block }) => assistantBlock(block));
    const verbatim = { provider: this.#provider, content: whole.map(({ block }) => block) };
    this.#complete = true;
    return {
      type: 'finish',
      stopReason: this.#stopReason,
      usage: this.#usage ?? emptyUsage,
      message: { role: 'assistant', content, verbatim },
      ...(this.#stopReason === 'refusal' && this.#refusal ? { refusal: this.#refusal } : {}),
    };
  }
}

const emptyUsage: ModelUsage = {
  inputTokens: 0,
  cacheReadTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  outputTokens: 0,
};

function usageOf(usage: Usage): ModelUsage {
  const { cache_creation: written, cache_creation_input_tokens: writtenInAll } = usage;
  return {
    inputTokens: usage.input_tokens,
    cacheReadTokens: usage.cache_read_input_tokens ?? 0,
    cacheWrite5mTokens: written?.ephemeral_5m_input_tokens ?? writtenInAll ?? 0,
    cacheWrite1hTokens: written?.ephemeral_1h_input_tokens ?? 0,
    outputTokens: usage.output_tokens,
  };
}

/** The closing numbers are cumulative; what is null keeps its opening number, and only that splits the cache writes. */
function mergeUsage(opening: ModelUsage | null, closing: MessageDeltaUsage): ModelUsage {
  const before = opening ?? emptyUsage;
  const written = closing.cache_creation_input_tokens;
  const writtenMore =
    written === null ? 0 : written - before.cacheWrite5mTokens - before.cacheWrite1hTokens;
  return {
    inputTokens: closing.input_tokens ?? before.inputTokens,
    cacheReadTokens: closing.cache_read_input_tokens ?? before.cacheReadTokens,
    cacheWrite5mTokens: before.cacheWrite5mTokens + Math.max(0, writtenMore),
    cacheWrite1hTokens: before.cacheWrite1hTokens,
    outputTokens: closing.output_tokens,
  };
}

function citationOf(citation: CitationsDelta['citation']): ModelEvent | null {
  if (citation.type !== 'search_result_location') return null;
  return {
    type: 'citation',
    citation: {
      searchResultIndex: citation.search_result_index,
      startPassage: citation.start_block_index,
      endPassage: citation.end_block_index,
      citedText: citation.cited_text,
    },
  };
}

function assistantBlock(block: ContentBlock): AssistantBlock[] {
  if (block.type === 'text') return block.text === '' ? [] : [{ type: 'text', text: block.text }];
  if (block.type !== 'tool_use') return [];
  return [{ type: 'tool_call', id: block.id, name: block.name, input: block.input }];
}

function outputOf({ block, inputJson }: GrowingBlock): number {
  if (block.type === 'text') return likelyTokens(block.text);
  if (block.type === 'thinking') return likelyTokens(block.thinking);
  if (block.type !== 'tool_use') return 0;
  return toolCallTokens + likelyTokens(block.name) + likelyTokens(inputJson);
}
