import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../../data/database.ts';
import type { RunEvent } from '../../kernel/events.ts';
import { raceAbort } from '../../kernel/timing/race-abort.ts';
import { isPermanent } from '../../ledger/database-errors.ts';
import { interrupted } from '../live/live-run.ts';
import type { LiveRuns } from '../live/live-runs.ts';
import type { RemoteReaders } from '../live/remote-readers.ts';
import { readRuns } from '../log/run-rows.ts';
import { RunSignals } from '../log/run-signals.ts';
import type { RunHandle, RunRecord } from '../runs.ts';
import { isNewRun } from './find-run.ts';
import { retryUntilAvailable } from './retry-until-available.ts';
import { RunReader } from './run-reader.ts';

const pollMs = 250;

interface RunHandlesOptions {
  database: Database;
  liveRuns: LiveRuns;
  remoteReaders: RemoteReaders;
}

/** Makes the readers of runs, live here or elsewhere or over. */
export class RunHandles {
  readonly #options: RunHandlesOptions;
  readonly #signals: RunSignals;
  readonly #readers = new Set<RunReader>();
  #closed = false;

  constructor(options: RunHandlesOptions) {
    this.#options = options;
    this.#signals = new RunSignals(options.database.signals);
  }

  get openStreams(): number {
    return this.#readers.size;
  }

  /** From now on a query that fails is not tried again: the database is about to be closed. */
  close(): void {
    this.#closed = true;
  }

  open(runId: string): RunHandle {
    return new OpenHandle(runId, {
      ...this.#options,
      ended: (onPoll) => this.ended(runId, undefined, onPoll),
      read: (after, onRemoteRead) => this.#read(runId, after, onRemoteRead),
    });
  }

  /** Waits until the run has ended or waits for an approval. Rejects with RUN_INTERRUPTED when it was never stored. */
  async ended(runId: string, signal?: AbortSignal, onPoll?: () => void): Promise<RunRecord> {
    const { database, liveRuns } = this.#options;
    while (true) {
      signal?.throwIfAborted();
      const live = liveRuns.get(runId);
      if (live) {
        const record = await (signal ? raceAbort(signal, () => live.ended) : live.ended);
        if (!live.fenced) return record;
      }
      const stored = () => readRuns(database, [runId]);
      const [record] = await retryUntilAvailable(stored, { signal, mayPass: this.#mayPass });
      if (!record && !isNewRun(runId)) throw interrupted();
      if (record && (record.finishedAt || record.status === 'WAITING_FOR_APPROVAL')) return record;
      onPoll?.();
      await delay(pollMs, undefined, signal && { signal });
    }
  }

  /** Readers outlast an outage of the database as the runs themselves do. */
  readonly #mayPass = (error: unknown): boolean => !this.#closed && !isPermanent(error);

  #read(runId: string, after: number, onRemoteRead: () => void): CountedReader {
    const { database, liveRuns } = this.#options;
    const reader = new RunReader({
      database,
      runId,
      after,
      signals: this.#signals,
      mayPass: this.#mayPass,
      liveLog: (id) => liveRuns.get(id)?.log,
      onRemoteRead,
    });
    this.#readers.add(reader);
    return { reader, onEnd: () => void this.#readers.delete(reader) };
  }
}

interface CountedReader {
  reader: RunReader;
  onEnd(): void;
}

interface OpenHandleOptions extends RunHandlesOptions {
  ended(onPoll: () => void): Promise<RunRecord>;
  read(after: number, onRemoteRead: () => void): CountedReader;
}

class OpenHandle implements RunHandle {
  readonly runId: string;
  readonly #options: OpenHandleOptions;
  // Not before something is read: a run that was only begun has no reader to lose.
  #leaveHere: ReturnType<LiveRuns['attach']> | null = null;
  #leaveThere: ReturnType<RemoteReaders['attach']> | null = null;

  constructor(runId: string, options: OpenHandleOptions) {
    this.runId = runId;
    this.#options = options;
  }

  leave(how: 'unsubscribed' | 'disconnected'): void {
    this.#attach()(how);
    this.#leaveThere?.(how);
  }

  result(): Promise<RunRecord> {
    this.#attach();
    return this.#options.ended(this.#markReader).finally(() => this.#readToTheEnd());
  }

  events(after = 0): AsyncIterableIterator<RunEvent> {
    this.#attach();
    const { reader, onEnd } = this.#options.read(after, this.#markReader);
    return counted(reader, () => {
      onEnd();
      this.#readToTheEnd();
    });
  }

  #attach(): ReturnType<LiveRuns['attach']> {
    this.#leaveHere ??= this.#options.liveRuns.attach(this.runId);
    return this.#leaveHere;
  }

  readonly #markReader = (): void => {
    const { liveRuns, remoteReaders } = this.#options;
    if (!liveRuns.get(this.runId)) this.#leaveThere ??= remoteReaders.attach(this.runId);
  };

  #readToTheEnd(): void {
    this.#leaveHere?.();
    this.#leaveThere?.();
  }
}

function counted(reader: RunReader, onEnd: () => void): AsyncIterableIterator<RunEvent> {
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      try {
        const step = await reader.next();
        if (step.done) onEnd();
        return step;
      } catch (error) {
        onEnd();
        throw error;
      }
    },
    return() {
      onEnd();
      return reader.return();
    },
  };
}
