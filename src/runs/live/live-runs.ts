import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../../kernel/log.ts';
import type { RunsOf } from '../runs.ts';
import { cancelled, interrupted, type LiveRun } from './live-run.ts';
import { noteEveryMs } from './remote-readers.ts';

/** A run that was noted as read elsewhere less long ago than this still is, as far as can be known. */
const remotelyReadMs = noteEveryMs * 2.5;

/** How long an unsubscribe waits to be told whether somebody reads elsewhere: a database that is away holds no run up. */
const answerWithinMs = 1_000;

/** Nobody reads a live run here any more. */
interface Loss {
  /** By then the reader may be back. */
  graceUntil: number;
  timer: NodeJS.Timeout | null;
}

/**
 * The runs that this server executes, and who reads them. Under the policy CANCEL a run whose last reader on any
 * server unsubscribed is stopped at once; one whose last reader was lost, after a grace in which another may take over.
 */
export class LiveRuns {
  readonly #runs = new Map<string, { run: LiveRun; done: Promise<void> }>();
  /** By run, live here or not: one that waited for an approval is another `LiveRun` afterwards, with the same readers. */
  readonly #readers = new Map<string, number>();
  /** Live runs whose last reader here has gone, and has not been followed by another. */
  readonly #lost = new Map<string, Loss>();
  /** Runs that may have lost their last reader on another server. */
  readonly #leaving = new Set<string>();
  readonly #graceMs: number;
  readonly #log: Log;
  readonly #remoteSilenceMs: ((runId: string) => Promise<number>) | null;

  constructor(options: {
    graceMs: number;
    log: Log;
    /**
     * How long ago, by the database's clock, somebody last read the run through another server; Infinity: nobody does.
     * Null: there are no other servers.
     */
    remoteSilenceMs: ((runId: string) => Promise<number>) | null;
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

  /** Runs that a key or a user has begun, those of sub-agents left out. */
  of(owner: RunsOf): LiveRun[] {
    const runs = Array.from(this.#runs.values(), ({ run }) => run);
    return runs.filter(({ row }) => {
      const isOwn =
        'apiKeyId' in owner ? row.apiKeyId === owner.apiKeyId : row.userId === owner.userId;
      return isOwn && row.parentRunId === null;
    });
  }

  /** Executes `loop`, which ends the run itself, and forgets the run afterwards. */
  execute(run: LiveRun, loop: () => Promise<void>): void {
    const done = (async () => loop())()
      .catch((error: unknown) =>
        this.#log.error({ err: error, runId: run.id }, 'a run could not be ended'),
      )
      .finally(() => {
        // A run that was suspended may be live again already.
        if (this.get(run.id) !== run) return;
        this.#runs.delete(run.id);
        this.#forgetLoss(run.id);
      });
    this.#runs.set(run.id, { run, done });
  }

  /**
   * Somebody reads the run now, wherever it lives. Returns what to call, once, when they go; without a reason, there is
   * nothing more to read.
   */
  attach(runId: string): (how?: 'unsubscribed' | 'disconnected') => void {
    this.#forgetLoss(runId);
    this.#readers.set(runId, this.#readersOf(runId) + 1);
    let here = true;
    return (how) => {
      if (!here) return;
      here = false;
      const left = this.#readersOf(runId) - 1;
      if (left > 0) return void this.#readers.set(runId, left);
      this.#readers.delete(runId);
      const run = this.get(runId);
      if (!run || !how || run.policy === 'CONTINUE') return;
      if (how === 'disconnected') this.#cancelWhenSilent(runId, this.#lose(runId, this.#graceMs));
      else if (this.#remoteSilenceMs) void this.#cancelUnlessReadElsewhere(runId);
      else run.stop(cancelled());
    };
  }

  /** Does somebody read the run on this server? */
  isRead(runId: string): boolean {
    return this.#readersOf(runId) > 0;
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
    if (policy !== 'CANCEL' || this.#isKept(runId) || this.#leaving.has(runId)) return;
    this.#leaving.add(runId);
    const look = async () => {
      const silentMs = await this.#silenceMs(runId, 0);
      this.#leaving.delete(runId);
      if (silentMs === Infinity && !this.#isKept(runId)) this.get(runId)?.stop(cancelled());
    };
    setTimeout(look, noteEveryMs * 1.2).unref();
  }

  /** Somebody reads the run here, or was lost so lately that they may yet come back. */
  #isKept(runId: string): boolean {
    const loss = this.#lost.get(runId);
    return this.isRead(runId) || (!!loss && performance.now() < loss.graceUntil);
  }

  #lose(runId: string, graceMs: number): Loss {
    const loss: Loss = { graceUntil: performance.now() + graceMs, timer: null };
    this.#lost.set(runId, loss);
    return loss;
  }

  /** The last reader here unsubscribed: the run ends now, or when nobody reads it through another server any more. */
  async #cancelUnlessReadElsewhere(runId: string): Promise<void> {
    const loss = this.#lose(runId, 0);
    const late = delay(answerWithinMs, Infinity, { ref: false });
    const silentMs = await Promise.race([this.#silenceMs(runId, Infinity), late]);
    if (this.#lost.get(runId) !== loss) return;
    if (silentMs < remotelyReadMs) this.#cancelWhenSilent(runId, loss);
    else this.get(runId)?.stop(cancelled());
  }

  /** Ends the run when the grace is over here, and one has passed since somebody last read it elsewhere. */
  #cancelWhenSilent(runId: string, loss: Loss): void {
    const ofGrace = () => loss.graceUntil - performance.now();
    const lookIn = (milliseconds: number): void => {
      loss.timer = setTimeout(look, Math.max(0, milliseconds)).unref();
    };
    const look = async () => {
      const silentMs = await this.#silenceMs(runId, 0);
      if (this.#lost.get(runId) !== loss) return;
      const left = Math.max(ofGrace(), Math.max(this.#graceMs, remotelyReadMs) - silentMs);
      if (left <= 0) this.get(runId)?.stop(cancelled());
      else lookIn(left + 10);
    };
    lookIn(ofGrace());
  }

  async #silenceMs(runId: string, whenUnknown: number): Promise<number> {
    if (!this.#remoteSilenceMs) return Infinity;
    return this.#remoteSilenceMs(runId).catch(() => whenUnknown);
  }

  #forgetLoss(runId: string): void {
    const timer = this.#lost.get(runId)?.timer;
    if (timer) clearTimeout(timer);
    this.#lost.delete(runId);
  }
}
