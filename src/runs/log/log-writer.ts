import { setTimeout as delay } from 'node:timers/promises';
import type { Database, Queryable } from '../../data/database.ts';
import { DomainError } from '../../kernel/errors.ts';
import type { RunEvent } from '../../kernel/events.ts';
import { UnstorableError } from '../../kernel/json/storable-json.ts';
import type { Log } from '../../kernel/log.ts';
import {
  type Ending,
  emptyBatch,
  type FormedBatch,
  formed,
  isEmpty,
  type LogOwner,
  splitByRun,
} from './log-batch.ts';
import { insertEvents, insertRuns, type NewRun, patchRuns, type RunPatch } from './run-rows.ts';

const stuckAfterMs = 2_500;

/** How often one batch is tried that the database has no memory for: some 3 s. */
const maxWithoutMemory = 5;

const unwritable = new DomainError(
  'RUN_INTERRUPTED',
  'What the run said cannot be stored, so it was ended.',
  { retryable: false },
);

interface WriterOptions {
  database: Database;
  log: Log;
  /**
   * How long text may wait to be written together with other runs', less what the last write took, so that what is told
   * is ahead of the database by this and one write. Default 150 ms.
   */
  delayMs?: number;
}

/**
 * Writes the logs of all live runs: one transaction and one multi-row insert for whatever came together. Text waits up to
 * `delayMs`; whoever needs to know that something is stored (`stored`) makes the batch go at once. A batch that fails is
 * tried again until it succeeds: memory keeps what the database has not got.
 */
export class LogWriter {
  readonly #database: Database;
  readonly #log: Log;
  readonly #delayMs: number;
  #next = emptyBatch();
  #timer: NodeJS.Timeout | null = null;
  #writing = false;
  #inFlight: Promise<void> = Promise.resolve();
  /** When the batch in flight was first tried. */
  #busySince = 0;
  #lastWriteMs = 0;
  #failing = false;

  constructor({ database, log, delayMs = 150 }: WriterOptions) {
    this.#database = database;
    this.#log = log;
    this.#delayMs = delayMs;
  }

  /** The database does not take what it is given. */
  get stuck(): boolean {
    return this.#failing || (this.#writing && performance.now() - this.#busySince > stuckAfterMs);
  }

  /** Stores a new run's row; resolves when it is there. */
  create(run: NewRun): Promise<void> {
    this.#next.created.push(run);
    return this.#soon();
  }

  /** Something was appended to the run's log: write it when its time has come. */
  touch(run: LogOwner): void {
    this.#next.dirty.add(run);
    this.#timer ??= setTimeout(() => void this.#soon(), this.#dueInMs());
  }

  /** Text may have to wait for the write in flight before its own. A slow database is not asked more often for that. */
  #dueInMs(): number {
    return Math.max(this.#delayMs - this.#lastWriteMs, this.#delayMs / 6);
  }

  /** Writes what the run's log has by now; resolves when it is stored. */
  stored(run: LogOwner): Promise<void> {
    this.#next.dirty.add(run);
    return this.#soon();
  }

  /** Writes the rest of the log, a last event and the row's new state as one; the event is told only afterwards. */
  async change(run: LogOwner, patch: RunPatch, lastEvent: RunEvent | null): Promise<void> {
    this.#next.dirty.add(run);
    this.#next.endings.push({ run, patch, lastEvent });
    await this.#soon();
  }

  /** Resolves when all that was handed over is stored. */
  async flush(): Promise<void> {
    while (this.#writing || !isEmpty(this.#next)) {
      await (isEmpty(this.#next) ? this.#inFlight : this.#soon());
    }
  }

  #soon(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const { promise } = this.#next.done;
    if (!this.#writing) void this.#writeAll();
    return promise;
  }

  async #writeAll(): Promise<void> {
    this.#writing = true;
    this.#busySince = performance.now();
    // What else this tick brings goes into the same batch.
    await new Promise(setImmediate);
    while (!isEmpty(this.#next)) {
      const batch = this.#next;
      this.#next = emptyBatch();
      this.#inFlight = batch.done.promise;
      await this.#writeUntilDone(formed(batch));
      batch.done.resolve();
    }
    // In the same turn as the check: whoever comes next starts the writing anew.
    this.#writing = false;
  }

  async #writeUntilDone(batch: FormedBatch): Promise<void> {
    this.#busySince = performance.now();
    for (let attempt = 1; ; attempt++) {
      try {
        const from = performance.now();
        await this.#write(batch);
        this.#lastWriteMs = performance.now() - from;
        this.#failing = false;
        return;
      } catch (error) {
        this.#log.error({ err: error, attempt }, 'run log not written, trying again');
        if (isAboutData(error, attempt)) return this.#writeOneByOne(batch, error);
        this.#failing = true;
        await delay(Math.min(100 * 2 ** attempt, 2_000));
      }
    }
  }

  /** One run's content that the database refuses must not hold up the others: its events are lost, loudly. */
  async #writeOneByOne(batch: FormedBatch, error: unknown): Promise<void> {
    const parts = splitByRun(batch);
    if (parts.length > 1) {
      for (const part of parts) await this.#writeUntilDone(part);
      return;
    }
    const runIds = batch.parts.map(({ run }) => run.log.runId);
    this.#log.error({ err: error, runIds }, 'the database refuses this run, it is given up');
    await this.#giveUp(batch.created, runIds).catch((cause: unknown) =>
      this.#log.error({ err: cause, runIds }, 'nor does it end it'),
    );
    for (const { run } of batch.parts) run.onFenced();
  }

  /** Ends the run in the database. What was asked may be what is refused: a run that has no row yet gets one without. */
  async #giveUp(created: readonly NewRun[], runIds: readonly string[]): Promise<void> {
    await this.#database.transaction(async (transaction) => {
      await insertRuns(
        transaction,
        created.map((run) => ({ ...run, input: {} })),
      );
      await transaction.query(
        `UPDATE "Run" SET status = 'FAILED', "finishedAt" = now(), error = $2::jsonb
         WHERE id = ANY($1::uuid[]) AND "finishedAt" IS NULL`,
        [runIds, JSON.stringify(unwritable)],
      );
    });
    this.#failing = false;
  }

  async #write({ created, parts, endings }: FormedBatch): Promise<void> {
    const mine = await this.#database.transaction(async (transaction) => {
      await insertRuns(transaction, created);
      const mine = await lockOwn(
        transaction,
        parts.map(({ run }) => run),
      );
      const own = ({ run }: { run: LogOwner }) => mine.has(run);
      const ends = endings.filter(own);
      const last = ends.flatMap(({ lastEvent }) => lastEvent ?? []);
      const events = parts.filter(own).flatMap((part) => part.events);
      await insertEvents(transaction, [...events, ...last]);
      const patches = ends.map(({ run, patch }) => ({ runId: run.log.runId, patch }));
      await patchRuns(transaction, patches);
      return mine;
    });
    for (const { run, events } of parts) {
      if (mine.has(run)) run.log.markWritten(events.at(-1)?.position ?? 0);
      else run.onFenced();
    }
    this.#publish(endings.filter(({ run }) => mine.has(run)));
    this.#tellServers(parts.map(({ run }) => run.log.runId));
  }

  #publish(endings: readonly Ending[]): void {
    for (const { run, lastEvent } of endings) {
      if (!lastEvent) continue;
      run.log.publish(lastEvent);
      run.log.markWritten(lastEvent.position);
    }
  }

  /** Servers that tail these runs look at once instead of at their next poll. A notification holds some 200 ids. */
  #tellServers(runIds: string[]): void {
    if (this.#database.kind === 'embedded') return;
    for (let start = 0; start < runIds.length; start += 200) {
      void this.#database.signals.publish('run', runIds.slice(start, start + 200).join(','));
    }
  }
}

/**
 * SQLSTATE classes 22 (data), 23 (integrity) and 54 (limits) blame what is written, not the database's health; so does
 * what no JSON or no message can be made of, while a connection that fails is never a RangeError or TypeError. Memory
 * (53200) may be short because of anybody, or of one run's content: that shows when it stays short.
 */
function isAboutData(error: unknown, attempt: number): boolean {
  if (error instanceof UnstorableError) return true;
  if (error instanceof RangeError || error instanceof TypeError) return true;
  const code = (error as { code?: unknown } | null)?.code;
  if (code === '53200') return attempt >= maxWithoutMemory;
  return typeof code === 'string' && /^(22|23|54)/.test(code);
}

/**
 * Of these runs, those that are still this server's. The share lock keeps a taker-over, who updates the row, waiting
 * until this batch is committed: nothing slips in behind what it has read.
 */
async function lockOwn(transaction: Queryable, runs: LogOwner[]): Promise<Set<LogOwner>> {
  if (runs.length === 0) return new Set();
  const rows = await transaction.query<{ id: string; epoch: number }>(
    `SELECT r.id, r.epoch FROM "Run" r
     JOIN unnest($1::uuid[], $2::int[], $3::uuid[]) AS own(id, epoch, "serverId")
       ON own.id = r.id AND own.epoch = r.epoch AND own."serverId" = r."serverId"
     ORDER BY r.id FOR SHARE OF r`,
    [
      runs.map(({ log }) => log.runId),
      runs.map(({ epoch }) => epoch),
      runs.map(({ serverId }) => serverId),
    ],
  );
  const epochs = new Map(rows.map(({ id, epoch }) => [id, epoch]));
  return new Set(runs.filter(({ log, epoch }) => epochs.get(log.runId) === epoch));
}
