import type { Database } from '../../data/database.ts';
import { isPublic, type RunEvent } from '../../kernel/events.ts';
import { interrupted } from '../live/live-run.ts';
import { behind, firstPart } from '../log/merge-events.ts';
import type { RunLog } from '../log/run-log.ts';
import type { RunSignals } from '../log/run-signals.ts';
import { readStoredEvents } from '../log/stored-events.ts';
import { isNewRun } from './find-run.ts';
import { retryUntilAvailable } from './retry-until-available.ts';

const firstPollMs = 250;
const lastPollMs = 2_000;

const isLast = ({ type }: RunEvent) => type === 'RunFinished' || type === 'RunFailed';

/** What a reader has not asked for is merged: told in pieces of this many units, it costs little memory on its way out. */
const maxDeltaLength = 16_384;

interface ReaderOptions {
  database: Database;
  runId: string;
  /** Read on behind this position. */
  after: number;
  /** The run's log, while it is live on this server. */
  liveLog(runId: string): RunLog | undefined;
  /** Called on each look into the database at a run that has not ended. */
  onRemoteRead?(): void;
  /** Say when more is stored. Without them, and should one be lost, the reader finds it by looking. */
  signals?: RunSignals;
  /** How soon to look again when no signal comes: twice as long each time, up to 2 s. Default 250 ms. */
  pollMs?: number;
  /** May what failed succeed later? The reader then goes on looking; else it rejects. Default: unless the statement is at fault. */
  mayPass?(error: unknown): boolean;
}

/**
 * Reads a run's log from a position to its last event, wherever the run lives: from memory while it is live on this
 * server, else from the database, and over to the other when it moves. Pull-driven: what a slow reader has not asked for
 * waits, merged, in the log. Not a generator on purpose: `return()` of one queues behind its pending `next()`.
 */
export class RunReader implements AsyncIterableIterator<RunEvent> {
  readonly #options: ReaderOptions;
  readonly #stop = new AbortController();
  #position: number;
  #ready: RunEvent[] = [];
  #ended = false;
  #pollMs: number;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#position = options.after;
    this.#pollMs = options.pollMs ?? firstPollMs;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The position behind the last event given out. */
  get position(): number {
    return this.#position;
  }

  async next(): Promise<IteratorResult<RunEvent, undefined>> {
    while (!this.#ended) {
      const event = this.#nextReady();
      if (!event) await this.#refill();
      else if (this.#take(event)) return { done: false, value: event };
    }
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<RunEvent, undefined>> {
    this.#ended = true;
    this.#stop.abort();
    return { done: true, value: undefined };
  }

  #nextReady(): RunEvent | undefined {
    const event = this.#ready.shift();
    if (!event) return undefined;
    const first = firstPart(event, maxDeltaLength);
    const rest = behind(event, first.position);
    if (rest) this.#ready.unshift(rest);
    return first;
  }

  #take(event: RunEvent): boolean {
    this.#position = event.position;
    if (isLast(event)) this.#ended = true;
    return isPublic(event);
  }

  async #refill(): Promise<void> {
    const { runId, liveLog } = this.#options;
    const log = liveLog(runId);
    const position = this.#position;
    if (!log) return this.#refillFromDatabase();
    this.#ready = log.read(position);
    if (this.#ready.length > 0) return;
    if (log.failure) throw log.failure;
    if (log.closed) return this.#refillFromDatabase();
    await this.#wake((wake) => log.whenChanged(wake));
    // One turn of the event loop gathers the deltas that came in the same packet. The first is not held back.
    if (position > 1) await new Promise(setImmediate);
  }

  async #refillFromDatabase(): Promise<void> {
    const { signal } = this.#stop;
    const { mayPass } = this.#options;
    await retryUntilAvailable(() => this.#look(), { signal, mayPass }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }

  /** Reads what is stored by now; when that is nothing new, waits until the next look is due. */
  async #look(): Promise<void> {
    const { database, runId, onRemoteRead, signals } = this.#options;
    let signalled = false;
    let wake: () => void = () => {};
    const stopListening = signals?.listen(runId, () => {
      signalled = true;
      wake();
    });
    try {
      const stored = await readStoredEvents(database, runId, { after: this.#position });
      this.#ready = stored.flatMap((event) => behind(event, this.#position) ?? []);
      if (this.#ready.length > 0) this.#pollMs = this.#options.pollMs ?? firstPollMs;
      if (this.#ready.length > 0 || signalled) return onRemoteRead?.();
      if (await this.#isOver()) return;
      onRemoteRead?.();
      if (signalled) return;
      await this.#wake((resolve) => {
        wake = resolve;
        setTimeout(resolve, this.#pollMs).unref();
      });
      this.#pollMs = Math.min(2 * this.#pollMs, lastPollMs);
    } finally {
      stopListening?.();
    }
  }

  /**
   * A run may have ended without a last event of its own (its content was purged): nothing will come. Throws
   * RUN_INTERRUPTED when the run was never stored, since its server died before.
   */
  async #isOver(): Promise<boolean> {
    const { database, runId } = this.#options;
    const [run] = await database.query<{ over: boolean }>(
      `SELECT "finishedAt" IS NOT NULL AS over FROM "Run" WHERE id = $1`,
      [runId],
    );
    if (!run && !isNewRun(runId)) throw interrupted();
    if (!run?.over) return false;
    const late = await readStoredEvents(database, runId, { after: this.#position, limit: 1 });
    this.#ended = late.length === 0;
    return true;
  }

  /** Waits for `arm`'s callback or for the reader's end. */
  #wake(arm: (resolve: () => void) => void): Promise<void> {
    const { signal } = this.#stop;
    return new Promise((resolve) => {
      const done = () => {
        signal.removeEventListener('abort', done);
        resolve();
      };
      signal.addEventListener('abort', done, { once: true });
      if (signal.aborted) done();
      else arm(done);
    });
  }
}
