import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../../data/database.ts';
import type { RunEvent } from '../../kernel/events.ts';
import { raceAbort } from '../../kernel/race-abort.ts';
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

/** Makes the readers of runs, live here or elsewhere or over. */
export interface RunHandles {
  open(runId: string): RunHandle;
  /** Waits until the run has ended or waits for an approval. Rejects with RUN_INTERRUPTED when it was never stored. */
  settled(runId: string, signal?: AbortSignal): Promise<RunRecord>;
  /** Waits until a run that waits for an approval no longer does. */
  moved(runId: string, signal: AbortSignal): Promise<void>;
  openStreams(): number;
  /** From now on a query that fails is not tried again: the database is about to be closed. */
  close(): void;
}

const pollMs = 250;

interface RunHandlesOptions {
  database: Database;
  liveRuns: LiveRuns;
  remoteReaders: RemoteReaders;
}

export function createRunHandles(options: RunHandlesOptions): RunHandles {
  const { database, liveRuns, remoteReaders } = options;
  const readers = new Set<RunReader>();
  const signals = new RunSignals(database.signals);
  let closed = false;
  /** Readers outlast an outage of the database as the runs themselves do. */
  const mayPass = (error: unknown): boolean => !closed && !isPermanent(error);
  const settled = async (
    runId: string,
    signal?: AbortSignal,
    onPoll?: () => void,
  ): Promise<RunRecord> => {
    while (true) {
      signal?.throwIfAborted();
      const live = liveRuns.get(runId);
      if (live) {
        const record = await (signal ? raceAbort(signal, () => live.settled) : live.settled);
        if (!live.fenced) return record;
      }
      const stored = () => readRuns(database, [runId]);
      const [record] = await retryUntilAvailable(stored, { signal, mayPass });
      if (!record && !isNewRun(runId)) throw interrupted();
      if (record && (record.finishedAt || record.status === 'WAITING_FOR_APPROVAL')) return record;
      onPoll?.();
      await delay(pollMs, undefined, signal && { signal });
    }
  };
  return {
    settled,
    async moved(runId, signal) {
      while ((await settled(runId, signal)).status === 'WAITING_FOR_APPROVAL') {
        await delay(4 * pollMs, undefined, { signal });
      }
    },
    openStreams: () => readers.size,
    close() {
      closed = true;
    },
    open(runId) {
      // Not before something is read: a run that was only begun has no reader to lose.
      let leaveHere: ReturnType<LiveRuns['attach']> | null = null;
      let leaveThere: ReturnType<RemoteReaders['attach']> | null = null;
      const attach = () => (leaveHere ??= liveRuns.attach(runId));
      const readToTheEnd = () => {
        leaveHere?.();
        leaveThere?.();
      };
      const markReader = () => {
        if (!liveRuns.get(runId)) leaveThere ??= remoteReaders.attach(runId);
      };
      return {
        runId,
        leave(how) {
          attach()(how);
          leaveThere?.(how);
        },
        result() {
          attach();
          return settled(runId, undefined, markReader).finally(readToTheEnd);
        },
        events(after = 0) {
          attach();
          const reader = new RunReader({
            database,
            runId,
            after,
            signals,
            mayPass,
            liveLog: (id) => liveRuns.get(id)?.log,
            onRemoteRead: markReader,
          });
          readers.add(reader);
          return counted(reader, () => {
            readers.delete(reader);
            readToTheEnd();
          });
        },
      };
    },
  };
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
