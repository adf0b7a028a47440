import { toStorableText } from '../../../kernel/json/storable-text.ts';
import type { Log } from '../../../kernel/log.ts';
import type {
  ModelCall,
  ModelCitation,
  ModelFinish,
  ProviderSink,
  StopReason,
} from '../../../kernel/model.ts';
import { estimateInputTokens } from '../../token-estimate.ts';
import { AnswerSize } from '../answer-size.ts';
import { errorBody } from '../error-body.ts';
import { type Json, listOf, recordOf, textOf } from '../json-fields.ts';
import type { AnswerTurn, Bill } from '../read-answer.ts';
import { TextMerger } from '../text-merger.ts';
import { tokenCount } from '../token-count.ts';
import { ClaudeBlocks } from './claude-blocks.ts';
import { claudeStreamError } from './claude-error.ts';
import { ClaudeUsage } from './claude-usage.ts';

const stopReasons: Readonly<Record<string, StopReason>> = {
  end_turn: 'end_turn',
  max_tokens: 'max_tokens',
  stop_sequence: 'stop_sequence',
  tool_use: 'tool_use',
  pause_turn: 'pause_turn',
  refusal: 'refusal',
  model_context_window_exceeded: 'context_window_exceeded',
};

export interface ClaudeTurnOptions {
  /** Whose verbatim content the answer is. */
  provider: string;
  call: ModelCall;
  sink: ProviderSink;
  requestId: string | null;
  log: Log;
  /** The key, which a proxy may repeat in an error. */
  secrets: readonly string[];
}

/**
 * Puts one streamed answer of Claude together, or of a server that speaks its API: fields may be absent, null or odd, and
 * events may be missing, as long as what came makes sense.
 */
export class ClaudeTurn implements AnswerTurn {
  readonly #options: ClaudeTurnOptions;
  readonly #blocks = new ClaudeBlocks();
  readonly #usage = new ClaudeUsage();
  readonly #size: AnswerSize;
  readonly #text: TextMerger;
  #started = false;
  #outputReported = false;
  #stopReason: StopReason = 'end_turn';
  #refusal = '';
  #answer: ModelFinish | null = null;

  constructor(options: ClaudeTurnOptions) {
    this.#options = options;
    this.#size = new AnswerSize('Claude', options.call);
    this.#text = new TextMerger(options.sink);
  }

  get answer(): ModelFinish | null {
    return this.#answer;
  }

  get isWhole(): boolean {
    return this.#answer !== null;
  }

  take(json: unknown, name: string | undefined): void {
    const event = recordOf(json);
    if (!event) return;
    const type = textOf(event['type']) || name;
    switch (type) {
      case 'content_block_delta':
        this.#grow(event['index'], recordOf(event['delta']) ?? {});
        break;
      case 'message_start':
        this.#start(recordOf(event['message']) ?? {});
        break;
      case 'content_block_start':
        this.#open(event['index'], recordOf(event['content_block']) ?? {});
        break;
      case 'content_block_stop':
        this.#text.end();
        this.#blocks.close(event['index']);
        break;
      case 'message_delta':
        this.#end(event);
        break;
      case 'message_stop':
        this.#finish();
        break;
      case 'message':
        this.#takeWhole(event);
        break;
      default:
        this.#takeError(event, type);
    }
  }

  /** Some proxies end like OpenAI. The answer has its own end, which has come or has not. */
  done(): void {}

  flush(): void {
    this.#text.flush();
  }

  end(): void {
    this.#text.end();
  }

  bill(): Bill | null {
    if (!this.#started) return null;
    const { tokens, inputKnown } = this.#usage;
    const counted = this.#blocks.likelyTokens();
    const outputKnown = this.#outputReported && (tokens.outputTokens > 0 || counted === 0);
    return {
      usage: {
        ...tokens,
        inputTokens: inputKnown ? tokens.inputTokens : estimateInputTokens(this.#options.call),
        outputTokens: outputKnown ? tokens.outputTokens : Math.max(tokens.outputTokens, counted),
      },
      estimated: !inputKnown || !outputKnown,
    };
  }

  #begin(model: string): void {
    if (this.#started) return;
    this.#started = true;
    this.#options.sink.start(model, this.#options.requestId ?? undefined);
  }

  #start(message: Json): void {
    this.#begin(textOf(message['model']) || this.#options.call.model);
    this.#usage.merge(message['usage']);
    if (this.#usage.inputKnown) this.#options.sink.usage(this.#usage.tokens);
  }

  #open(index: unknown, block: Json): void {
    this.#begin(this.#options.call.model);
    this.#text.end();
    this.#size.addOpaque(block);
    this.#blocks.open(index, block);
    if (block['type'] === 'text') this.#text.add('text', textOf(block['text']));
    if (block['type'] === 'thinking') this.#text.add('thinking', textOf(block['thinking']));
  }

  #grow(index: unknown, delta: Json): void {
    this.#begin(this.#options.call.model);
    if (typeof delta['text'] === 'string') this.#say('text', index, delta['text']);
    else if (typeof delta['thinking'] === 'string') this.#say('thinking', index, delta['thinking']);
    else if (typeof delta['partial_json'] === 'string') {
      this.#size.addText(delta['partial_json']);
      this.#blocks.addInput(index, delta['partial_json']);
    } else if (typeof delta['signature'] === 'string') {
      this.#size.addOpaque(delta['signature']);
      this.#blocks.of(index, 'thinking')['signature'] = delta['signature'];
    } else if (recordOf(delta['citation'])) this.#cite(index, delta['citation'] as Json);
  }

  #say(type: 'text' | 'thinking', index: unknown, text: string): void {
    this.#size.addText(text);
    const block = this.#blocks.of(index, type);
    block[type] = textOf(block[type]) + text;
    this.#text.add(type, text);
  }

  #cite(index: unknown, citation: Json): void {
    this.#size.addOpaque(citation);
    const block = this.#blocks.of(index, 'text');
    block['citations'] = [...listOf(block['citations']), citation];
    const cited = citationOf(citation);
    if (!cited) return;
    this.#text.end();
    this.#options.sink.citation(cited);
  }

  #end({ delta, usage }: Json): void {
    this.#begin(this.#options.call.model);
    const { stop_reason: reason, stop_details: given } = recordOf(delta) ?? {};
    this.#stopReason = stopReasons[textOf(reason)] ?? this.#stopReason;
    const details = recordOf(given);
    this.#refusal ||= textOf(details?.['explanation']) || textOf(details?.['category']);
    this.#usage.merge(usage);
    this.#outputReported ||= tokenCount(recordOf(usage)?.['output_tokens']) !== null;
    this.#reportBill();
  }

  #finish(): void {
    this.#begin(this.#options.call.model);
    this.#text.end();
    const stopReason = this.#finalStopReason();
    const { content, verbatim } = this.#blocks.finish(stopReason === 'tool_use');
    const refusal = toStorableText(this.#refusal);
    this.#answer = {
      stopReason,
      usage: this.#reportBill().usage,
      message: {
        role: 'assistant',
        content,
        verbatim: { provider: this.#options.provider, content: verbatim },
      },
      refusal: stopReason === 'refusal' && refusal !== '' ? refusal : undefined,
    };
  }

  /** Some servers call tools and say that the turn has ended. */
  #finalStopReason(): StopReason {
    const ended = this.#stopReason === 'end_turn' || this.#stopReason === 'stop_sequence';
    return ended && this.#blocks.hasToolCalls ? 'tool_use' : this.#stopReason;
  }

  /** The answer of a server that does not stream. */
  #takeWhole(message: Json): void {
    this.#start(message);
    for (const [index, block] of listOf(message['content']).entries()) {
      this.#open(index, recordOf(block) ?? {});
      this.#blocks.close(index);
    }
    this.#end({ delta: message, usage: message['usage'] });
    this.#finish();
  }

  #takeError(event: Json, type: string | undefined): void {
    const { call, log, secrets } = this.#options;
    const body = errorBody(event, { failed: type === 'error' });
    if (body) throw claudeStreamError(body, { model: call.model, log, secrets });
  }

  #reportBill(): Bill {
    const bill = this.bill()!;
    this.#options.sink.usage(bill.usage, bill.estimated);
    return bill;
  }
}

function citationOf(citation: Json): ModelCitation | null {
  if (citation['type'] !== 'search_result_location') return null;
  const searchResultIndex = tokenCount(citation['search_result_index']);
  const startPassage = tokenCount(citation['start_block_index']);
  const endPassage = tokenCount(citation['end_block_index']);
  if (searchResultIndex === null || startPassage === null || endPassage === null) return null;
  return {
    searchResultIndex,
    startPassage,
    endPassage,
    citedText: toStorableText(textOf(citation['cited_text'])),
  };
}
