import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../../data/database.ts';
import type { RunEvent } from '../../kernel/events.ts';
import type { Log } from '../../kernel/log.ts';
import type {
  CacheHit,
  CallOutcome,
  Hold,
  HoldRequest,
  Ledger,
  LedgerBatch,
  UsageRecordRow,
  UsageTag,
} from '../../ledger/ledger.ts';
import { giveUpRuns } from './give-up-runs.ts';
import { isAboutData } from './is-about-data.ts';
import {
  type Batch,
  type Ending,
  emptyBatch,
  type FormedBatch,
  formed,
  isEmpty,
  type LogOwner,
  splitByRun,
} from './log-batch.ts';
import type { NewRun, RunPatch } from './run-rows.ts';
import { writeBatch } from './write-batch.ts';

const stuckAfterMs = 2_500;

/** How long a new run's row waits for the room of its first call, which is stored with it. */
const createDelayMs = 25;

interface WriterOptions {
  database: Database;
  log: Log;
  /** Left out where nothing is held or settled. */
  ledger?: Pick<Ledger, 'batch' | 'hold'>;
  /**
   * How long text may wait to be written together with other runs', less what the last write took, so that what is told
   * is ahead of the database by this and one write. Default 150 ms.
   */
  delayMs?: number;
}

/**
 * Writes the logs of all live runs, and holds and settles for their calls: one statement for whatever came together. Text
 * and bills wait up to `delayMs`; whoever needs to know that something is stored (`hold`, `stored`, `change`) makes the
 * batch go at once. A batch that fails is tried again until it succeeds: memory keeps what the database has not got.
 */
export class LogWriter {
  readonly #options: WriterOptions;
  readonly #delayMs: number;
  #next: Batch;
  #timer: NodeJS.Timeout | null = null;
  #dueAt = 0;
  #writing = false;
  #inFlight: Promise<void> = Promise.resolve();
  /** When the batch in flight was first tried. */
  #busySince = 0;
  #lastWriteMs = 0;
  #failing = false;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#delayMs = options.delayMs ?? 150;
    this.#next = this.#emptyBatch();
  }

  /** The database does not take what it is given. */
  get stuck(): boolean {
    return this.#failing || (this.#writing && performance.now() - this.#busySince > stuckAfterMs);
  }

  /** Stores a new run's row; resolves when it is there. */
  create(run: NewRun): Promise<void> {
    this.#next.created.push(run);
    this.#writeIn(createDelayMs);
    return this.#next.done.promise;
  }

  /** As `Ledger.hold`. */
  hold(request: HoldRequest): Promise<Hold> {
    // A batch that is tried again and again must not hold up those who would be refused.
    if (this.#failing) return this.#options.ledger!.hold(request);
    const held = this.#ledger.hold(request);
    void this.#soon();
    return held;
  }

  /** As `LedgerBatch.settle`: it is stored with the next batch, and so before any end of a run that follows. */
  settle(hold: Hold, outcome: CallOutcome): UsageRecordRow {
    const record = this.#ledger.settle(hold, outcome);
    this.#writeIn(this.#dueInMs());
    return record;
  }

  release(hold: Hold): void {
    this.#ledger.release(hold);
    this.#writeIn(this.#dueInMs());
  }

  recordCacheHit(tag: UsageTag, hit: CacheHit): void {
    this.#ledger.recordCacheHit(tag, hit);
    this.#writeIn(this.#dueInMs());
  }

  /** Something was appended to the run's log: write it when its time has come. */
  touch(run: LogOwner): void {
    this.#next.dirty.add(run);
    if (!this.#timer) this.#writeIn(this.#dueInMs());
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

  get #ledger(): LedgerBatch {
    if (!this.#next.ledger) throw new Error('this writer has no ledger');
    return this.#next.ledger;
  }

  #emptyBatch(): Batch {
    return emptyBatch(this.#options.ledger?.batch() ?? null);
  }

  /** Text may have to wait for the write in flight before its own. A slow database is not asked more often for that. */
  #dueInMs(): number {
    return Math.max(this.#delayMs - this.#lastWriteMs, this.#delayMs / 6);
  }

  #writeIn(milliseconds: number): void {
    const dueAt = performance.now() + milliseconds;
    if (this.#timer && this.#dueAt <= dueAt) return;
    if (this.#timer) clearTimeout(this.#timer);
    this.#dueAt = dueAt;
    this.#timer = setTimeout(() => void this.#soon(), milliseconds);
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
      this.#next = this.#emptyBatch();
      this.#inFlight = batch.done.promise;
      await this.#writeWhole(batch);
      batch.done.resolve();
    }
    // In the same turn as the check: whoever comes next starts the writing again.
    this.#writing = false;
  }

  /** In one statement, or else each part by itself: what the ledger has to write first, since an end shows its cost. */
  async #writeWhole(batch: Batch): Promise<void> {
    const rows = formed(batch);
    const { ledger } = batch;
    if (!ledger || ledger.isEmpty) return this.#writeUntilDone(rows);
    this.#busySince = performance.now();
    try {
      await this.#write(rows, ledger);
    } catch (error) {
      this.#options.log.error({ err: error }, 'a batch was not written; trying its parts');
      this.#failing = true;
      await ledger.failed(error);
      await this.#writeUntilDone(rows);
    }
  }

  async #writeUntilDone(batch: FormedBatch): Promise<void> {
    this.#busySince = performance.now();
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#write(batch, null);
      } catch (error) {
        this.#options.log.error({ err: error, attempt }, 'run log not written, trying again');
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
    const { database, log } = this.#options;
    const runIds = batch.parts.map(({ run }) => run.log.runId);
    log.error({ err: error, runIds }, 'the database refuses this run; it is given up');
    try {
      await giveUpRuns(database, batch.created, runIds);
      this.#failing = false;
    } catch (cause) {
      log.error({ err: cause, runIds }, 'could not mark the run as failed');
    }
    for (const { run } of batch.parts) run.onFenced();
  }

  async #write(batch: FormedBatch, ledger: LedgerBatch | null): Promise<void> {
    const from = performance.now();
    const { database } = this.#options;
    const written = await writeBatch(database, batch, ledger?.arguments() ?? null);
    this.#lastWriteMs = performance.now() - from;
    this.#failing = false;
    ledger?.committed(written.ledger);
    for (const { run, events } of batch.parts) {
      if (written.own.has(run)) run.log.markWritten(events.at(-1)?.position ?? 0);
      else run.onFenced();
    }
    publish(batch.endings.filter(({ run }) => written.own.has(run)));
    this.#tellServers(batch.parts.map(({ run }) => run.log.runId));
  }

  /** Servers that tail these runs look at once instead of at their next poll. A notification holds some 200 ids. */
  #tellServers(runIds: string[]): void {
    const { database } = this.#options;
    if (database.kind === 'embedded') return;
    for (let start = 0; start < runIds.length; start += 200) {
      void database.signals.publish('run', runIds.slice(start, start + 200).join(','));
    }
  }
}

function publish(endings: readonly Ending[]): void {
  for (const { run, lastEvent } of endings) {
    if (!lastEvent) continue;
    run.log.publish(lastEvent);
    run.log.markWritten(lastEvent.position);
  }
}
