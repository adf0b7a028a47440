/** Identical pieces of work at the same time are done once. */
export interface SingleFlight<Item> {
  /**
   * The items that `start` gives for this key. While a flight of the key is on, further readers join it: each gets every
   * item from the first on, then the live ones, then the end or the error. A reader who leaves (`return`, `break`)
   * disturbs nobody and is gone at once; but the last one's leaving aborts the signal given to `start`, and waits for
   * the flight's end, while a later reader begins a new flight. `start` is called when the first reader begins to
   * iterate, and is read to its end at its own pace, after an abort too: what must happen once (the bill) belongs
   * inside it.
   *
   * `deadlineAt` is the reader's own, which is the reader's to heed: the date given to `start` is the latest of those
   * who have read, and moves on when somebody joins who has more time.
   */
  share(key: string, start: StartFlight<Item>, deadlineAt: Date): AsyncIterable<Item>;
  /** Flights now on. */
  readonly size: number;
}

export type StartFlight<Item> = (signal: AbortSignal, deadlineAt: Date) => AsyncIterable<Item>;

export function createSingleFlight<Item>(): SingleFlight<Item> {
  const flights = new Map<string, Flight<Item>>();
  const read = (key: string, start: StartFlight<Item>, deadlineAt: Date) => {
    const joined = flights.get(key);
    if (joined) return joined.reader(deadlineAt);
    const flight: Flight<Item> = new Flight(() => {
      if (flights.get(key) === flight) flights.delete(key);
    });
    flights.set(key, flight);
    const reader = flight.reader(deadlineAt);
    flight.run(start);
    return reader;
  };
  return {
    share: (key, start, deadlineAt) => ({
      [Symbol.asyncIterator]: () => read(key, start, deadlineAt),
    }),
    get size() {
      return flights.size;
    },
  };
}

class Flight<Item> {
  readonly #items: Item[] = [];
  readonly #abort = new AbortController();
  readonly #deadlineAt = new Date(0);
  readonly #onOver: () => void;
  #readers = 0;
  #end: { error: unknown } | 'done' | null = null;
  #changed: PromiseWithResolvers<void> | null = null;
  #over: Promise<void> = Promise.resolve();

  /** `onOver` is called when nobody may join any more. */
  constructor(onOver: () => void) {
    this.#onOver = onOver;
  }

  run(start: StartFlight<Item>): void {
    this.#over = this.#gather(start);
  }

  /** Never rejects. */
  async #gather(start: StartFlight<Item>): Promise<void> {
    try {
      for await (const item of start(this.#abort.signal, this.#deadlineAt)) {
        this.#items.push(item);
        this.#wake();
      }
      this.#end = 'done';
    } catch (error) {
      this.#end = { error };
    }
    this.#onOver();
    this.#wake();
  }

  reader(deadlineAt: Date): AsyncIterator<Item> {
    let position = 0;
    let here = true;
    this.#readers += 1;
    this.#deadlineAt.setTime(Math.max(this.#deadlineAt.getTime(), deadlineAt.getTime()));
    const leave = () => {
      if (here) this.#leave();
      here = false;
    };
    const next = async (): Promise<IteratorResult<Item>> => {
      while (here && position === this.#items.length && this.#end === null) await this.#change();
      if (!here) return { done: true, value: undefined };
      if (position < this.#items.length) {
        position += 1;
        return { done: false, value: this.#items[position - 1] as Item };
      }
      leave();
      if (this.#end !== null && this.#end !== 'done') throw this.#end.error;
      return { done: true, value: undefined };
    };
    return {
      next,
      return: async () => {
        leave();
        // A `next` of this reader may be waiting.
        this.#wake();
        if (this.#abort.signal.aborted) await this.#over;
        return { done: true, value: undefined };
      },
    };
  }

  #leave(): void {
    this.#readers -= 1;
    if (this.#readers > 0 || this.#end !== null) return;
    this.#onOver();
    this.#abort.abort();
  }

  #change(): Promise<void> {
    this.#changed ??= Promise.withResolvers<void>();
    return this.#changed.promise;
  }

  #wake(): void {
    this.#changed?.resolve();
    this.#changed = null;
  }
}
