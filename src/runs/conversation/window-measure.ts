import type { Message } from '../../kernel/model.ts';
import type { ModelName, Models } from '../../model/models.ts';
import type { CallRequest } from '../calls/metered-call.ts';
import type { LiveRun } from '../live/live-run.ts';
import { answeredCalls } from './answered-calls.ts';

/** No text has fewer tokens than this share of the estimate, which is rather too high. */
const minShare = 1 / 3;
/** What a cut leaves free for the exchanges to come. */
const margin = 0.25;

interface Measured {
  run: LiveRun;
  call: CallRequest['call'];
  chain: readonly ModelName[];
}

/** Measures messages against the window of the chain's first model: by estimate, and exactly where the estimate is near it. */
export class WindowMeasure {
  readonly #measured: Measured;
  readonly #models: Models;
  /** Input tokens beside an answer of `maxTokens`. Infinity where the window is not known. */
  readonly room: number;
  /** Of the last exact count in its estimate. */
  #share: number | null = null;

  constructor(measured: Measured, models: Models) {
    this.#measured = measured;
    this.#models = models;
    const window =
      models.information(measured.chain[0]!)?.contextWindow ?? Number.POSITIVE_INFINITY;
    this.room = window - measured.call.maxTokens;
  }

  async holds(messages: Message[]): Promise<boolean> {
    const estimate = this.#estimate(messages);
    if (estimate <= this.room) return true;
    if (estimate * minShare > this.room) return false;
    return (await this.#count(messages, estimate)) <= this.room;
  }

  /**
   * How many of these groups, from the last one back, fit before the call's own messages with a margin. Counts the most that
   * the estimate lets in, unless something was counted before.
   */
  async lastThatFit(groups: readonly Message[][]): Promise<number> {
    const { call } = this.#measured;
    const own = this.#estimate(call.messages);
    const sizes = groups.map((messages) =>
      this.#models.estimateInputTokens({ messages, maxTokens: 0 }, this.#measured.chain),
    );
    const lastFew = (room: number): number => {
      let left = room - own;
      let first = groups.length;
      while (first > 0 && left >= sizes[first - 1]!) {
        first -= 1;
        left -= sizes[first]!;
      }
      return groups.length - first;
    };
    if (this.#share === null) {
      const some = groups.slice(groups.length - lastFew(this.room)).flat();
      const messages = [...some, ...call.messages];
      await this.#count(messages, this.#estimate(messages));
    }
    return lastFew((this.room * (1 - margin)) / (this.#share ?? 1));
  }

  /** Exactly, where the provider counts; else as estimated. */
  async #count(messages: Message[], estimate: number): Promise<number> {
    const { call, chain, run } = this.#measured;
    const asked = { ...call, messages: answeredCalls(messages) };
    const counted = await this.#models.countInputTokens(asked, chain, run.signal);
    run.signal.throwIfAborted();
    if (counted !== null) this.#share = counted / estimate;
    return counted ?? estimate;
  }

  #estimate(messages: Message[]): number {
    const { call, chain } = this.#measured;
    return this.#models.estimateInputTokens({ ...call, messages }, chain);
  }
}
