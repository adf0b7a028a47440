import { toStorableText } from '../../../kernel/json/storable-text.ts';
import type { Log } from '../../../kernel/log.ts';
import type {
  AssistantMessage,
  ModelCall,
  ModelFinish,
  ProviderSink,
  StopReason,
} from '../../../kernel/model.ts';
import { estimateInputTokens, likelyTokens } from '../../token-estimate.ts';
import { AnswerSize } from '../answer-size.ts';
import { errorBody } from '../error-body.ts';
import { type Json, listOf, recordOf, textOf } from '../json-fields.ts';
import { providerError } from '../provider-error.ts';
import type { AnswerTurn, Bill } from '../read-answer.ts';
import { TextMerger } from '../text-merger.ts';
import { type Piece, piecesOf, thinkingFields } from './openai-delta.ts';
import { openAiError } from './openai-error.ts';
import { OpenAiToolCalls } from './openai-tool-calls.ts';
import { OpenAiUsage } from './openai-usage.ts';
import { ThinkTags } from './think-tags.ts';
import { verbatimMessage } from './verbatim-message.ts';
import type { OutputUnwrapper } from './wrapped-output.ts';

const stopReasons: Readonly<Record<string, StopReason>> = {
  stop: 'end_turn',
  length: 'max_tokens',
  max_tokens: 'max_tokens',
  model_length: 'context_window_exceeded',
  tool_calls: 'tool_use',
  function_call: 'tool_use',
  content_filter: 'refusal',
};

export interface OpenAiTurnOptions {
  /** Whose verbatim content the answer is, and its name in errors. */
  provider: string;
  call: ModelCall;
  sink: ProviderSink;
  requestId: string | null;
  log: Log;
  secrets: readonly string[];
  /** Takes the answer out of the object that its schema was wrapped in. */
  unwrapper: OutputUnwrapper | null;
}

/** Puts one streamed chat completion together, of OpenAI or of any server that speaks its API more or less. */
export class OpenAiTurn implements AnswerTurn {
  readonly #options: OpenAiTurnOptions;
  readonly #calls = new OpenAiToolCalls();
  readonly #usage = new OpenAiUsage();
  readonly #thinkTags = new ThinkTags();
  readonly #size: AnswerSize;
  readonly #merger: TextMerger;
  /** Fields of the message that go back as they came. */
  readonly #extras: Json = {};
  #started = false;
  #text = '';
  #thinking = '';
  #refusal = '';
  #stopReason: StopReason | null = null;
  /** Output came since the server counted it. */
  #uncounted = true;
  #answer: ModelFinish | null = null;

  constructor(options: OpenAiTurnOptions) {
    this.#options = options;
    this.#size = new AnswerSize(options.provider, options.call);
    this.#merger = new TextMerger(options.sink);
  }

  get answer(): ModelFinish | null {
    return this.#answer;
  }

  get isWhole(): boolean {
    return this.#answer !== null || (this.#stopReason !== null && !this.#uncounted);
  }

  take(json: unknown): void {
    const chunk = recordOf(json);
    const { provider, call, log, secrets } = this.#options;
    const body = errorBody(json);
    if (body) throw openAiError({ provider, model: call.model, body, log, secrets });
    const choice = recordOf(listOf(chunk?.['choices'])[0]);
    const reason = textOf(choice?.['finish_reason']);
    if (!chunk || reason === 'error') {
      throw providerError({ kind: 'broken_stream', provider, model: call.model });
    }
    this.#begin(textOf(chunk['model']) || call.model);
    const delta = recordOf(choice?.['delta'] ?? choice?.['message']);
    if (delta) this.#grow(delta);
    if (reason !== '') this.#stopReason = stopReasons[reason] ?? 'end_turn';
    this.#count(chunk);
  }

  done(): void {
    if (this.#started) this.#finish();
  }

  flush(): void {
    this.#merger.flush();
  }

  end(): void {
    if (this.#stopReason && !this.#answer) this.#finish();
    else if (!this.#answer) this.#sayRest();
  }

  bill(): Bill | null {
    if (!this.#started) return null;
    const { tokens, inputKnown } = this.#usage;
    const counted = likelyTokens(this.#text + this.#thinking + this.#refusal + this.#calls.text);
    const outputKnown = !this.#uncounted && (tokens.outputTokens > 0 || counted === 0);
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

  #count(chunk: Json): void {
    if (!this.#usage.merge(chunk)) return;
    this.#uncounted = false;
    this.#reportBill();
  }

  #grow(delta: Json): void {
    for (const piece of piecesOf(delta)) {
      if (piece.kind === 'text')
        for (const part of this.#thinkTags.split(piece.text)) this.#say(part);
      else this.#say(piece);
    }
    this.#keepExtras(delta);
    const legacy = recordOf(delta['function_call']);
    const pieces = [...listOf(delta['tool_calls']), legacy]
      .map(recordOf)
      .filter((call) => call !== null);
    for (const piece of pieces) this.#size.addOpaque(piece);
    this.#calls.take(pieces);
    if (pieces.length > 0) this.#uncounted = true;
  }

  #say({ kind, text }: Piece): void {
    if (text === '') return;
    this.#size.addText(text);
    this.#uncounted = true;
    if (kind === 'refusal') this.#refusal += text;
    else if (kind === 'thinking') {
      this.#thinking += text;
      this.#merger.add('thinking', text);
    } else this.#sayText(this.#options.unwrapper ? this.#options.unwrapper.take(text) : text);
  }

  #sayText(text: string): void {
    this.#text += text;
    this.#merger.add('text', text);
  }

  /** Text that was held back as perhaps a tag or the wrapping's end. */
  #sayRest(): void {
    for (const part of this.#thinkTags.end()) this.#say(part);
    if (this.#options.unwrapper) this.#sayText(this.#options.unwrapper.end());
    this.#merger.end();
  }

  #keepExtras(delta: Json): void {
    for (const field of thinkingFields) {
      const text = textOf(delta[field]);
      if (text !== '') this.#extras[field] = textOf(this.#extras[field]) + text;
    }
    if (delta['extra_content'] != null) {
      this.#size.addOpaque(delta['extra_content']);
      this.#extras['extra_content'] = delta['extra_content'];
    }
    if (Array.isArray(delta['reasoning_details'])) {
      this.#size.addOpaque(delta['reasoning_details']);
      const before = listOf(this.#extras['reasoning_details']);
      this.#extras['reasoning_details'] = [...before, ...delta['reasoning_details']];
    }
  }

  #finish(): void {
    this.#sayRest();
    const stopReason = this.#finalStopReason();
    const refusal = toStorableText(this.#refusal);
    this.#answer = {
      stopReason,
      usage: this.#reportBill().usage,
      message: this.#message(stopReason),
      refusal: refusal === '' ? undefined : refusal,
    };
  }

  /** Servers say "stop" after calls, too. */
  #finalStopReason(): StopReason {
    const said = this.#stopReason ?? 'end_turn';
    if (this.#refusal !== '') return 'refusal';
    return said === 'end_turn' && this.#calls.size > 0 ? 'tool_use' : said;
  }

  #message(stopReason: StopReason): AssistantMessage {
    const { provider, call } = this.#options;
    const text = toStorableText(this.#text);
    const toolNames = (call.tools ?? []).map(({ name }) => name);
    const calls = this.#calls.finish(stopReason === 'tool_use', toolNames);
    const content: AssistantMessage['content'] = calls.map(({ id, name, input }) => ({
      type: 'tool_call',
      id,
      name,
      input,
    }));
    if (text !== '') content.unshift({ type: 'text', text });
    const hasMore = calls.length > 0 || Object.keys(this.#extras).length > 0;
    const message = verbatimMessage({ text, calls, extras: this.#extras });
    return {
      role: 'assistant',
      content,
      verbatim: hasMore ? { provider, content: message } : undefined,
    };
  }

  #reportBill(): Bill {
    const bill = this.bill()!;
    this.#options.sink.usage(bill.usage, bill.estimated);
    return bill;
  }
}
