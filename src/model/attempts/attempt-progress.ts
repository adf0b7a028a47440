import {
  type ModelCall,
  type ModelCitation,
  type ModelFinish,
  type ModelProvider,
  type ModelSink,
  type ModelUsage,
  type ProviderSink,
  zeroUsage,
} from '../../kernel/model.ts';
import type { AttemptReport, ModelName } from '../models.ts';

interface ProgressOptions {
  provider: ModelProvider;
  name: ModelName;
  call: ModelCall;
  degraded: boolean;
  sink: ModelSink;
  /** Called before the first part of the answer is passed on. */
  onOutput(): void;
  /** Called when the answer is whole, perhaps before the response has ended. */
  onFinish(): void;
  /** Called once output began, with the first numbers that the provider reported. */
  onUsage?: ((usage: ModelUsage) => void) | undefined;
}

/**
 * One attempt's sink. It passes nothing on before the answer begins, so that another attempt may follow unnoticed, and
 * counts how far the attempt came and what it is billed.
 */
export class AttemptProgress implements ProviderSink {
  readonly #options: ProgressOptions;
  readonly #sink: ModelSink;
  readonly #startedAt = performance.now();
  #firstOutputAt: number | null = null;
  #started = false;
  #finish: ModelFinish | null = null;
  #closed = false;
  #usage: ModelUsage | null = null;
  #estimated = false;
  #openingUsage: ModelUsage | null = null;
  #usageReported = false;
  #openingOutput = 0;
  #outputBytes = 0;
  #outputSinceUsage = false;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#sink = options.sink;
  }

  /** The whole answer, once it is there. */
  get answer(): ModelFinish | null {
    return this.#finish;
  }

  /** Tokens were generated and billed, though perhaps none was passed on: a tool call that broke off. */
  get generated(): boolean {
    return this.#firstOutputAt !== null || this.#bill().usage.outputTokens > this.#openingOutput;
  }

  get timeToFirstTokenMs(): number | null {
    return this.#firstOutputAt === null ? null : this.#firstOutputAt - this.#startedAt;
  }

  start(): void {
    this.#started = true;
  }

  text(text: string): void {
    if (text === '' || this.#closed) return;
    if (this.#firstOutputAt === null) this.#begin();
    this.#outputBytes += Buffer.byteLength(text);
    this.#outputSinceUsage = true;
    this.#sink.text(text);
  }

  thinking(text: string): void {
    if (text === '' || this.#closed) return;
    if (this.#firstOutputAt === null) this.#begin();
    this.#outputBytes += Buffer.byteLength(text);
    this.#outputSinceUsage = true;
    this.#sink.thinking(text);
  }

  citation(citation: ModelCitation): void {
    if (this.#closed) return;
    if (this.#firstOutputAt === null) this.#begin();
    this.#sink.citation(citation);
  }

  usage(usage: ModelUsage, estimated = false): void {
    if (this.#closed) return;
    if (this.#usage === null && !estimated) this.#openingOutput = usage.outputTokens;
    this.#usage = usage;
    this.#estimated = estimated;
    this.#outputSinceUsage = false;
    this.#openingUsage ??= usage;
    this.#reportUsage();
  }

  finish(finish: ModelFinish): void {
    if (this.#closed) return;
    if (this.#firstOutputAt === null) this.#begin();
    this.#usage = finish.usage;
    this.#finish = finish;
    this.#options.onFinish();
  }

  /** Takes nothing more: a provider that was left to itself may still send. */
  close(): void {
    this.#closed = true;
  }

  report(isCancelled: boolean): AttemptReport {
    const { provider, name, degraded } = this.#options;
    const { usage, estimated } = this.#bill();
    return {
      provider: provider.name,
      model: name,
      degraded,
      usage,
      estimated,
      billed: this.#started || this.#finish !== null,
      status: this.#finish ? 'succeeded' : isCancelled ? 'cancelled' : 'failed',
      durationMs: performance.now() - this.#startedAt,
      timeToFirstTokenMs: this.timeToFirstTokenMs,
    };
  }

  #begin(): void {
    this.#firstOutputAt = performance.now();
    this.#options.onOutput();
    this.#sink.start(this.#options.name);
    this.#reportUsage();
  }

  #reportUsage(): void {
    if (this.#usageReported || this.#firstOutputAt === null || !this.#openingUsage) return;
    this.#usageReported = true;
    this.#options.onUsage?.(this.#openingUsage);
  }

  #bill(): { usage: ModelUsage; estimated: boolean } {
    if (this.#finish || !this.#started) {
      return { usage: this.#usage ?? zeroUsage, estimated: this.#estimated };
    }
    const known = this.#usage;
    if (known && !this.#outputSinceUsage) return { usage: known, estimated: this.#estimated };
    // The provider did not report its last numbers: what it said of the answer is counted.
    const { provider, call } = this.#options;
    const opening = known ?? { ...zeroUsage, inputTokens: provider.estimateInputTokens(call) };
    const outputTokens = Math.max(opening.outputTokens, Math.ceil(this.#outputBytes / 4));
    return { usage: { ...opening, outputTokens }, estimated: true };
  }
}
