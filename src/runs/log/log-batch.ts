import type { RunEvent } from '../../kernel/events.ts';
import type { LedgerBatch } from '../../ledger/ledger.ts';
import type { RunLog } from './run-log.ts';
import type { NewRun, RunPatch } from './run-rows.ts';

/** A live run's place in the database: its log, and the server and epoch under which it may be written. */
export interface LogOwner {
  log: RunLog;
  serverId: string;
  epoch: number;
  /** Called when another server has taken the run over: nothing more may be told of it from here. */
  onFenced(): void;
}

export interface Ending {
  run: LogOwner;
  patch: RunPatch;
  lastEvent: RunEvent | null;
}

/** What comes together until it is written. */
export interface Batch {
  created: NewRun[];
  dirty: Set<LogOwner>;
  endings: Ending[];
  /** Null where nothing is held or settled with it. */
  ledger: LedgerBatch | null;
  done: PromiseWithResolvers<void>;
}

export const emptyBatch = (ledger: LedgerBatch | null): Batch => ({
  created: [],
  dirty: new Set(),
  endings: [],
  ledger,
  done: Promise.withResolvers<void>(),
});

/** A batch with its events read off once: tried again it writes the same rows, so a commit whose answer was lost does no harm. */
export interface FormedBatch {
  created: readonly NewRun[];
  /** By writer, not by run: one that was fenced and its successor may be writers of one run on the same server. */
  parts: readonly { run: LogOwner; events: readonly RunEvent[] }[];
  endings: readonly Ending[];
}

export function formed({ created, dirty, endings }: Batch): FormedBatch {
  const parts = [...dirty].map((run) => ({ run, events: run.log.unwritten() }));
  return { created, parts, endings };
}

export function splitByRun({ created, parts, endings }: FormedBatch): FormedBatch[] {
  const ids = new Set([...created.map(({ id }) => id), ...parts.map(({ run }) => run.log.runId)]);
  return [...ids].map((runId) => ({
    created: created.filter(({ id }) => id === runId),
    parts: parts.filter(({ run }) => run.log.runId === runId),
    endings: endings.filter(({ run }) => run.log.runId === runId),
  }));
}

export function isEmpty({ created, dirty, endings, ledger }: Batch): boolean {
  return created.length + dirty.size + endings.length === 0 && (ledger?.isEmpty ?? true);
}
