import type { RunEvent } from '../../../src/kernel/events.ts';
import type { RunHandle } from '../../../src/runs/runs.ts';
import { handleOf, runRecord } from './records.ts';

/** A run whose events a test pushes one by one, and which remembers how its reader left. */
export class EventSource {
  readonly left: string[] = [];
  readonly handle: RunHandle;
  /** The positions from which it was read. */
  readonly readFrom: (number | undefined)[] = [];
  returned = false;
  readonly #waiting: ((result: IteratorResult<RunEvent>) => void)[] = [];

  constructor() {
    this.handle = handleOf(runRecord(), {
      events: (after) => {
        this.readFrom.push(after);
        return this.#iterator();
      },
      leave: (how) => this.left.push(how),
    });
  }

  push(event: RunEvent): void {
    this.#waiting.shift()?.({ done: false, value: event });
  }

  end(): void {
    this.#waiting.shift()?.({ done: true, value: undefined });
  }

  /** Its `next()` never settles by itself, and neither does its `return()`: the worst that a reader can meet. */
  #iterator(): AsyncIterableIterator<RunEvent> {
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      next: () => new Promise((resolve) => this.#waiting.push(resolve)),
      return: () => {
        this.returned = true;
        return new Promise(() => {});
      },
    };
  }
}
