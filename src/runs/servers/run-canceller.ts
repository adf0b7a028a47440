import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../../data/database.ts';
import { DomainError, isDomainError } from '../../kernel/errors.ts';
import { cancelled } from '../live/live-run.ts';
import type { LiveRuns } from '../live/live-runs.ts';
import { readRuns } from '../log/run-rows.ts';
import type { RunHandles } from '../reading/run-handles.ts';
import type { RunRecord } from '../runs.ts';
import type { RunExecutor } from './run-executor.ts';

interface CancellerOptions {
  database: Database;
  liveRuns: LiveRuns;
  executor: RunExecutor;
  handles: RunHandles;
}

/** How often a server looks for cancel requests and last readers' leave whose notifications were lost. */
const pollMs = 500;
const recheckMs = 50;

/** Stops runs, on whichever server they are: the request is a row; the signal only makes its server look at once. */
export class RunCanceller {
  readonly #options: CancellerOptions;
  readonly #unsubscribe: readonly (() => void)[];
  readonly #timer: NodeJS.Timeout;

  constructor(options: CancellerOptions) {
    this.#options = options;
    const { database, liveRuns } = options;
    this.#unsubscribe = [
      database.signals.subscribe('cancel', (key) => {
        if (key === '*') void this.#look();
        else liveRuns.get(key)?.stop(cancelled());
      }),
      database.signals.subscribe('reader', (key) => liveRuns.remoteReadersLeft(key)),
    ];
    this.#timer = setInterval(() => void this.#look(), pollMs);
    this.#timer.unref();
  }

  /** Resolves when the run has ended. Rejects with CONFLICT when it had already. */
  async cancel(runId: string): Promise<RunRecord> {
    const { database, handles } = this.#options;
    const [before] = await readRuns(database, [runId]);
    if (before?.finishedAt) throw alreadyOver(before);
    while (true) {
      await this.request(runId);
      const run = await handles.ended(runId);
      if (run.finishedAt) return run;
      // It was about to wait for an approval when the request came: it is asked again, as one that waits.
      await delay(recheckMs);
    }
  }

  /** Resolves when the run has ended, by this or by itself. */
  async cancelUnlessOver(runId: string): Promise<void> {
    await this.cancel(runId).catch((error: unknown) => {
      if (!isDomainError(error, 'CONFLICT')) throw error;
    });
  }

  /** Has the run stopped, with all that work for it, and does not wait for their ends. */
  async request(runId: string): Promise<void> {
    const { database, liveRuns, executor } = this.#options;
    // A run that has just begun may be without its row yet.
    liveRuns.get(runId)?.stop(cancelled());
    const rows = await database.query<{ id: string }>(
      `WITH RECURSIVE tree AS (
         SELECT id FROM "Run" WHERE id = $1
         UNION SELECT r.id FROM "Run" r JOIN tree ON r."parentRunId" = tree.id)
       UPDATE "Run" SET "cancelRequestedAt" = now()
       FROM tree WHERE "Run".id = tree.id AND "finishedAt" IS NULL RETURNING "Run".id`,
      [runId],
    );
    const ids = rows.map(({ id }) => id);
    for (const id of ids) {
      const local = liveRuns.get(id);
      if (local) local.stop(cancelled());
      else void database.signals.publish('cancel', id);
    }
    await executor.adopt({ waiting: ids });
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  async #look(): Promise<void> {
    const { database, liveRuns } = this.#options;
    if (database.kind === 'embedded' || liveRuns.size === 0) return;
    const rows = await database
      .query<{ id: string; cancel: boolean }>(
        `SELECT id, "cancelRequestedAt" IS NOT NULL AS cancel FROM "Run"
         WHERE id = ANY($1::uuid[]) AND ("cancelRequestedAt" IS NOT NULL OR "readerSeenAt" = 'epoch')`,
        [liveRuns.ids],
      )
      .catch(() => []);
    const read: string[] = [];
    for (const { id, cancel } of rows) {
      if (cancel) liveRuns.get(id)?.stop(cancelled());
      else if (liveRuns.isRead(id)) read.push(id);
      else liveRuns.remoteReadersLeft(id);
    }
    if (read.length > 0) await this.#forgetLeave(read);
  }

  /** That a reader elsewhere left says nothing once somebody reads here: their own leave is what counts then. */
  async #forgetLeave(runIds: string[]): Promise<void> {
    const sql = `UPDATE "Run" SET "readerSeenAt" = NULL WHERE id = ANY($1::uuid[]) AND "readerSeenAt" = 'epoch'`;
    await this.#options.database.query(sql, [runIds]).catch(() => []);
  }
}

function alreadyOver({ status }: RunRecord): DomainError {
  return new DomainError(
    'CONFLICT',
    `The run is over (${status}): there is nothing left to cancel.`,
  );
}
