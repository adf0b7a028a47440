import type { ModelCall, ModelEvent, ModelProvider, ModelUsage } from '../../kernel/model.ts';
import type { AttemptReport, ModelName } from '../models.ts';

export interface ProgressOf {
  provider: ModelProvider;
  name: ModelName;
  call: ModelCall;
}

const nothing: ModelUsage = {
  inputTokens: 0,
  cacheReadTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  outputTokens: 0,
};

/** How far one attempt came and what it is billed, by the events it yielded. */
export class AttemptProgress {
  readonly #of: ProgressOf;
  readonly #startedAt = performance.now();
  #firstOutputAt: number | null = null;
  #started = false;
  #finished = false;
  #usage: ModelUsage | null = null;
  #estimated = false;
  #openingOutput = 0;
  #outputBytes = 0;
  #outputToldSinceUsage = false;

  constructor(of: ProgressOf) {
    this.#of = of;
  }

  /** Something of the answer was told: no other attempt may follow. */
  get outputBegan(): boolean {
    return this.#firstOutputAt !== null;
  }

  get finished(): boolean {
    return this.#finished;
  }

  /** Tokens were generated and billed, though perhaps nothing of them was told: a tool call that broke off. */
  get generated(): boolean {
    return this.outputBegan || this.#bill().usage.outputTokens > this.#openingOutput;
  }

  /** Takes an event down; true when it is part of the answer. */
  note(event: ModelEvent): boolean {
    switch (event.type) {
      case 'start':
        this.#started = true;
        return false;
      case 'usage':
        if (this.#usage === null && !event.estimated) {
          this.#openingOutput = event.usage.outputTokens;
        }
        this.#usage = event.usage;
        this.#estimated = event.estimated ?? false;
        this.#outputToldSinceUsage = false;
        return false;
      case 'text':
      case 'thinking':
        this.#outputBytes += Buffer.byteLength(event.text);
        this.#outputToldSinceUsage = true;
        return event.text !== '';
      case 'citation':
        return true;
      case 'finish':
        this.#usage = event.usage;
        this.#finished = true;
        return true;
    }
  }

  /** The first part of the answer is told now. */
  begin(): void {
    this.#firstOutputAt = performance.now();
  }

  report(isCancelled: boolean): AttemptReport {
    const { provider, name } = this.#of;
    const { usage, estimated } = this.#bill();
    return {
      provider: provider.name,
      model: name,
      usage,
      estimated,
      billed: this.#started || this.#finished,
      status: this.#finished ? 'succeeded' : isCancelled ? 'cancelled' : 'failed',
      durationMs: performance.now() - this.#startedAt,
      timeToFirstTokenMs:
        this.#firstOutputAt === null ? null : this.#firstOutputAt - this.#startedAt,
    };
  }

  #bill(): { usage: ModelUsage; estimated: boolean } {
    if (this.#finished || !this.#started) {
      return { usage: this.#usage ?? nothing, estimated: this.#estimated };
    }
    const known = this.#usage;
    if (known && !this.#outputToldSinceUsage) return { usage: known, estimated: this.#estimated };
    // The provider did not tell its last numbers: what it told of the answer is counted.
    const { provider, call } = this.#of;
    const opening = known ?? { ...nothing, inputTokens: provider.estimateInputTokens(call) };
    const outputTokens = Math.max(opening.outputTokens, Math.ceil(this.#outputBytes / 4));
    return { usage: { ...opening, outputTokens }, estimated: true };
  }
}
