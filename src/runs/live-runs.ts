import type { Log } from '../kernel/log.ts';
import { cancelled, interrupted, type LiveRun } from './live-run.ts';
import { noteEveryMs } from './remote-readers.ts';

/**
 * The runs that this server executes, and who reads them. Under the policy CANCEL a run whose last reader unsubscribed
 * is stopped at once; one whose last reader was lost, after a grace in which another may take over.
 */
export class LiveRuns {
  readonly #runs = new Map<string, { run: LiveRun; done: Promise<void> }>();
  /** By run: one that waited for an approval is another `LiveRun` afterwards, with the same readers. */
  readonly #readers = new Map<string, number>();
  /** Runs that may have lost their last reader on another server. */
  readonly #leaving = new Set<string>();
  readonly #graceMs: number;
  readonly #log: Log;
  readonly #remoteSilenceMs: (runId: string) => Promise<number>;

  constructor(options: {
    graceMs: number;
    log: Log;
    /** How long ago, by the database's clock, somebody last read the run through another server; Infinity: nobody does. */
    remoteSilenceMs(runId: string): Promise<number>;
  }) {
    this.#graceMs = options.graceMs;
    this.#log = options.log;
    this.#remoteSilenceMs = options.remoteSilenceMs;
  }

  get(runId: string): LiveRun | undefined {
    return this.#runs.get(runId)?.run;
  }

  get size(): number {
    return this.#runs.size;
  }

  get ids(): string[] {
    return [...this.#runs.keys()];
  }

  /** Executes `loop`, which ends the run itself, and forgets the run afterwards. */
  execute(run: LiveRun, loop: () => Promise<void>): void {
    const done = (async () => loop())()
      .catch((error: unknown) =>
        this.#log.error({ err: error, runId: run.id }, 'a run could not be ended'),
      )
      .finally(() => {
        // A run that was suspended may be live again already.
        if (this.get(run.id) === run) this.#runs.delete(run.id);
        if (run.record.finishedAt || run.leaving) this.#readers.delete(run.id);
      });
    this.#runs.set(run.id, { run, done });
  }

  /** Somebody reads the run now. Returns what to call, once, when they leave. */
  attach(runId: string): (how: 'unsubscribed' | 'disconnected') => void {
    if (!this.get(runId)) return () => {};
    this.#readers.set(runId, this.#readersOf(runId) + 1);
    let here = true;
    return (how) => {
      if (!here) return;
      here = false;
      const left = this.#readersOf(runId) - 1;
      if (left > 0) return void this.#readers.set(runId, left);
      this.#readers.delete(runId);
      const run = this.get(runId);
      if (!run || run.policy === 'CONTINUE') return;
      if (how === 'unsubscribed') run.stop(cancelled());
      else this.#cancelAfterGrace(runId);
    };
  }

  /**
   * Waits for all runs to end until `deadline`, then leaves the agents to whoever takes them over, interrupts the
   * others and waits for that to be written.
   */
  async drain(deadline: Date): Promise<void> {
    const all = () => Promise.allSettled([...this.#runs.values()].map(({ done }) => done));
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, Math.max(0, deadline.getTime() - Date.now()));
    await Promise.race([all(), late.promise]);
    clearTimeout(timer);
    for (const { run } of this.#runs.values()) {
      if (run.row.kind === 'AGENT') run.handOver();
      else run.stop(interrupted());
    }
    await all();
  }

  #readersOf(runId: string): number {
    return this.#readers.get(runId) ?? 0;
  }

  /** The last reader on some other server has gone for good. Those of third servers say that they are there. */
  remoteReadersLeft(runId: string): void {
    const policy = this.get(runId)?.policy;
    if (policy !== 'CANCEL' || this.#readersOf(runId) > 0 || this.#leaving.has(runId)) return;
    this.#leaving.add(runId);
    const look = async () => {
      const silentMs = await this.#remoteSilenceMs(runId).catch(() => 0);
      this.#leaving.delete(runId);
      if (silentMs === Infinity && this.#readersOf(runId) === 0) this.get(runId)?.stop(cancelled());
    };
    setTimeout(look, noteEveryMs * 1.2).unref();
  }

  #cancelAfterGrace(runId: string): void {
    const leftAt = performance.now();
    const look = async () => {
      if (!this.get(runId) || this.#readersOf(runId) > 0) return;
      const silentMs = await this.#remoteSilenceMs(runId).catch(() => 0);
      if (this.#readersOf(runId) > 0) return;
      const left = Math.max(
        this.#graceMs - (performance.now() - leftAt),
        Math.max(this.#graceMs, noteEveryMs * 2.5) - silentMs,
      );
      if (left <= 0) this.get(runId)?.stop(cancelled());
      else setTimeout(look, left + 10).unref();
    };
    setTimeout(look, this.#graceMs).unref();
  }
}
