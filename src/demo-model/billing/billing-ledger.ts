import type { InputUsage } from './prompt-cache.ts';

/** How a call ended, seen from the server. */
export type CallOutcome = 'completed' | 'aborted' | 'error';

/** One call on the stand-in's invoice. All counts are tokens. */
export interface BilledCall {
  requestId: string;
  messageId: string;
  model: string;
  inputTokens: number;
  cacheReadTokens: number;
  cacheWrite5mTokens: number;
  cacheWrite1hTokens: number;
  /** Generated up to the end, the abort or the error; at least 1, as `message_start` already says. */
  outputTokens: number;
  outcome: CallOutcome;
  /** ISO 8601. */
  billedAt: string;
}

/** Sums over calls; the keys of {@link BilledCall} that are counts. */
export interface BilledTotals {
  calls: number;
  inputTokens: number;
  cacheReadTokens: number;
  cacheWrite5mTokens: number;
  cacheWrite1hTokens: number;
  outputTokens: number;
}

const NOTHING: BilledTotals = {
  calls: 0,
  inputTokens: 0,
  cacheReadTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  outputTokens: 0,
};

/**
 * The provider's side of the books, a referee for a client's usage records. A call is billed once, from the
 * moment the model begins to answer: full input, and the output generated until the end, the client's abort or
 * the error. A call that failed or was given up before that is not billed. The entry of a completed call exists
 * before the client can read the end of the answer.
 */
export class BillingLedger {
  readonly #calls: BilledCall[] = [];
  readonly #capacity: number;
  #totals: BilledTotals = { ...NOTHING };

  constructor(capacity = 100_000) {
    this.#capacity = capacity;
  }

  /** The billed calls in order of billing; the oldest are dropped beyond the capacity (100,000). */
  get calls(): readonly BilledCall[] {
    return this.#calls;
  }

  /** Sums over all calls ever billed since the start or the last reset. */
  get totals(): BilledTotals {
    return { ...this.#totals };
  }

  record(
    call: Omit<BilledCall, keyof InputUsage | 'billedAt'> & { input: InputUsage },
  ): BilledCall {
    const { input, ...rest } = call;
    const { cached: _, ...counts } = input;
    const entry: BilledCall = { ...rest, ...counts, billedAt: new Date().toISOString() };
    this.#calls.push(entry);
    if (this.#calls.length > this.#capacity) this.#calls.shift();
    this.#totals = {
      calls: this.#totals.calls + 1,
      inputTokens: this.#totals.inputTokens + entry.inputTokens,
      cacheReadTokens: this.#totals.cacheReadTokens + entry.cacheReadTokens,
      cacheWrite5mTokens: this.#totals.cacheWrite5mTokens + entry.cacheWrite5mTokens,
      cacheWrite1hTokens: this.#totals.cacheWrite1hTokens + entry.cacheWrite1hTokens,
      outputTokens: this.#totals.outputTokens + entry.outputTokens,
    };
    return entry;
  }

  clear(): void {
    this.#calls.length = 0;
    this.#totals = { ...NOTHING };
  }
}
