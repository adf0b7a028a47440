/** Identical pieces of work at the same time are done once. */
export interface SingleFlight<Item> {
  /**
   * The items that `start` gives for this key. While a flight of the key is on, further readers join it: each gets every
   * item from the first on, then the live ones, then the end or the error. A reader who leaves (`return`, `break`) is
   * gone at once and disturbs nobody; the last one's leaving aborts the signal given to `start`, and a later reader
   * begins a new flight. `start` is called when the first reader begins to iterate, and is read to its end at its own
   * pace, after an abort too: what must happen once (the bill) belongs inside it.
   */
  share(key: string, start: (signal: AbortSignal) => AsyncIterable<Item>): AsyncIterable<Item>;
  /** Flights now on. */
  readonly size: number;
}

export function createSingleFlight<Item>(): SingleFlight<Item> {
  const flights = new Map<string, Flight<Item>>();
  const join = (key: string, start: (signal: AbortSignal) => AsyncIterable<Item>) => {
    const joined = flights.get(key);
    if (joined) return joined;
    const flight: Flight<Item> = new Flight(() => {
      if (flights.get(key) === flight) flights.delete(key);
    });
    flights.set(key, flight);
    void flight.run(start);
    return flight;
  };
  return {
    share: (key, start) => ({ [Symbol.asyncIterator]: () => join(key, start).reader() }),
    get size() {
      return flights.size;
    },
  };
}

class Flight<Item> {
  readonly #items: Item[] = [];
  readonly #abort = new AbortController();
  readonly #onOver: () => void;
  #readers = 0;
  #end: { error: unknown } | 'done' | null = null;
  #changed: PromiseWithResolvers<void> | null = null;

  /** `onOver` is called when nobody may join any more. */
  constructor(onOver: () => void) {
    this.#onOver = onOver;
  }

  /** Never rejects. */
  async run(start: (signal: AbortSignal) => AsyncIterable<Item>): Promise<void> {
    try {
      for await (const item of start(this.#abort.signal)) {
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

  reader(): AsyncIterator<Item> {
    let position = 0;
    let here = true;
    this.#readers += 1;
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
