import type { ModelSink } from '../../kernel/model.ts';
import { raceAbort } from '../../kernel/timing/race-abort.ts';
import { SharedAnswer } from './shared-answer.ts';

/** Makes the call for all who ask for it. `deadlineAt` moves on when somebody joins who has more time. */
export type StartFlight<Result> = (
  answer: SharedAnswer,
  signal: AbortSignal,
  deadlineAt: Date,
) => Promise<Result>;

interface FlightReader {
  sink: ModelSink;
  /** Aborted when this reader leaves. */
  signal: AbortSignal;
  /** The reader's own, which is the reader's to heed. */
  deadlineAt: Date;
}

/** Identical model calls at the same time are made once. */
export class SingleFlight<Result> {
  readonly #flights = new Map<string, Flight<Result>>();

  /** Flights now on. */
  get size(): number {
    return this.#flights.size;
  }

  /**
   * What `start` resolves with, or rejects with, for this key. While a flight of the key is on, further readers join it:
   * the sink of each is given everything from the first word on, then what comes. A reader who leaves disturbs nobody
   * and is gone at once, with the signal's reason; but the last one's leaving aborts the signal given to `start`, and
   * waits for the flight's end, while a later reader begins a new flight. So what must happen once (the bill) belongs
   * inside `start`. The deadline given to it is the latest of all who have joined.
   */
  async share(key: string, start: StartFlight<Result>, reader: FlightReader): Promise<Result> {
    reader.signal.throwIfAborted();
    const flight = this.#flights.get(key) ?? this.#begin(key);
    return flight.join(reader, start);
  }

  #begin(key: string): Flight<Result> {
    const flight: Flight<Result> = new Flight(() => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    });
    this.#flights.set(key, flight);
    return flight;
  }
}

class Flight<Result> {
  readonly #answer = new SharedAnswer();
  readonly #abort = new AbortController();
  readonly #deadlineAt = new Date(0);
  readonly #onOver: () => void;
  #readers = 0;
  #result: Promise<Result> | null = null;
  #over = false;

  /** `onOver` is called when nobody may join any more. */
  constructor(onOver: () => void) {
    this.#onOver = onOver;
  }

  async join(
    { sink, signal, deadlineAt }: FlightReader,
    start: StartFlight<Result>,
  ): Promise<Result> {
    this.#readers += 1;
    this.#deadlineAt.setTime(Math.max(this.#deadlineAt.getTime(), deadlineAt.getTime()));
    this.#answer.add(sink);
    this.#result ??= this.#fly(start);
    const result = this.#result;
    try {
      return await raceAbort(signal, () => result);
    } finally {
      this.#answer.remove(sink);
      await this.#leave(result);
    }
  }

  async #fly(start: StartFlight<Result>): Promise<Result> {
    try {
      return await start(this.#answer, this.#abort.signal, this.#deadlineAt);
    } finally {
      this.#over = true;
      this.#onOver();
    }
  }

  async #leave(result: Promise<Result>): Promise<void> {
    this.#readers -= 1;
    if (this.#readers > 0 || this.#over) return;
    this.#onOver();
    this.#abort.abort();
    await result.catch(() => undefined);
  }
}
