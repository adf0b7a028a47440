import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../../data/database.ts';
import type { Caller } from '../../kernel/access/principal.ts';
import type { ApprovalRecord } from '../../kernel/run.ts';
import { retryUntilAvailable } from '../reading/retry-until-available.ts';
import type { Approvals } from './approvals.ts';

/** How often to look when no signal comes. */
const pollMs = 5_000;
const pageSize = 100;

/**
 * The approvals that wait for a decision of the caller, oldest first, then each new one as it is asked for, on whichever server; never
 * ends by itself, and outlasts an outage of the database. Pulled: what a slow reader has not asked for is not read. Not a generator on purpose: `return()` of one
 * queues behind its pending `next()`.
 */
export class ApprovalStream implements AsyncIterableIterator<ApprovalRecord, undefined> {
  readonly #approvals: Approvals;
  readonly #caller: Caller;
  readonly #stop = new AbortController();
  readonly #unsubscribe: () => void;
  #news = Promise.withResolvers<void>();
  #told = new Set<string>();
  #ready: ApprovalRecord[] = [];

  constructor(database: Database, approvals: Approvals, caller: Caller) {
    this.#approvals = approvals;
    this.#caller = caller;
    this.#unsubscribe = database.signals.subscribe('approval', () => this.#news.resolve());
    this.#news.resolve();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<ApprovalRecord, undefined>> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const approval = this.#ready.shift();
      if (approval) return { done: false, value: approval };
      const late = delay(pollMs, undefined, { signal, ref: false }).catch(() => undefined);
      await Promise.race([this.#news.promise, late]);
      if (!signal.aborted) await this.#look();
    }
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<ApprovalRecord, undefined>> {
    this.#stop.abort();
    this.#unsubscribe();
    return { done: true, value: undefined };
  }

  async #look(): Promise<void> {
    this.#news = Promise.withResolvers();
    const { signal } = this.#stop;
    const pending = await retryUntilAvailable(() => this.#pending(), { signal }).catch(
      (error: unknown) => {
        if (signal.aborted) return [];
        throw error;
      },
    );
    this.#ready = pending.filter(({ id }) => !this.#told.has(id));
    this.#told = new Set(pending.map(({ id }) => id));
  }

  async #pending(): Promise<ApprovalRecord[]> {
    const pending: ApprovalRecord[] = [];
    let after: string | null = null;
    do {
      const page = await this.#approvals.pending({ first: pageSize, after }, this.#caller);
      pending.push(...page.edges.map(({ node }) => node));
      after = page.hasNextPage ? page.edges.at(-1)!.cursor : null;
    } while (after !== null);
    return pending;
  }
}
