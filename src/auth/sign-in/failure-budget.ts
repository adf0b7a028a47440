import { LRUCache } from 'lru-cache';

interface Level {
  left: number;
  at: number;
}

/**
 * Failures that each key may cause: `burst` at once, and `perSecond` after that. Only failures are counted, so that any
 * number of good requests may come at once. Bounded: what has not failed for long is forgotten.
 */
export class FailureBudget {
  readonly #burst: number;
  readonly #perSecond: number;
  readonly #levels: LRUCache<string, Level>;

  constructor({
    burst,
    perSecond,
    maxKeys = 10_000,
  }: { burst: number; perSecond: number; maxKeys?: number }) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#levels = new LRUCache({ max: maxKeys });
  }

  /** Milliseconds until the key may fail again; 0 when it may now. */
  waitMs(key: string): number {
    const left = this.#left(key);
    return left >= 1 ? 0 : Math.ceil(((1 - left) / this.#perSecond) * 1_000);
  }

  /** Counts a failure. False where the budget was used up already. */
  spend(key: string): boolean {
    const left = this.#left(key);
    const within = left >= 1;
    // No further down than this: whoever stops failing is heard again soon.
    this.#levels.set(key, { left: within ? left - 1 : left, at: Date.now() });
    return within;
  }

  #left(key: string): number {
    const level = this.#levels.get(key);
    if (!level) return this.#burst;
    const regained = ((Date.now() - level.at) / 1_000) * this.#perSecond;
    return Math.min(this.#burst, level.left + regained);
  }
}
