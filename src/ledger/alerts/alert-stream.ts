import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../../data/database.ts';
import type { AlertRecord } from '../ledger.ts';
import { alertsById } from './alert-pages.ts';

/** How often to look when no signal comes. */
const pollMs = 5_000;
/** Servers commit alerts out of order: one may come to light this long after its moment. */
const lookBack = "interval '60 seconds'";

/**
 * Every alert that any server raises from now on, each once; never ends by itself. A database that is away only delays.
 * Not a generator on purpose: `return()` of one queues behind its pending `next()`.
 */
export class AlertStream implements AsyncIterableIterator<AlertRecord, undefined> {
  readonly #database: Database;
  readonly #stop = new AbortController();
  readonly #unsubscribe: () => void;
  #looking: Promise<void>;
  #news = Promise.withResolvers<void>();
  #ready: AlertRecord[] = [];
  /** When it last looked, by the database's clock, and what there was from a minute before. */
  #last: { at: Date; ids: ReadonlySet<string> } | null = null;

  constructor(database: Database) {
    this.#database = database;
    this.#unsubscribe = database.signals.subscribe('alert', () => this.#news.resolve());
    this.#looking = this.#look();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<AlertRecord, undefined>> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#looking;
      const alert = this.#ready.shift();
      if (alert) return { done: false, value: alert };
      const late = delay(pollMs, undefined, { signal, ref: false }).catch(() => undefined);
      await Promise.race([this.#news.promise, late]);
      this.#news = Promise.withResolvers();
      if (!signal.aborted) this.#looking = this.#look();
    }
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<AlertRecord, undefined>> {
    this.#stop.abort();
    this.#unsubscribe();
    return { done: true, value: undefined };
  }

  async #look(): Promise<void> {
    try {
      const { at, ids } = await this.#recent();
      const told = this.#last?.ids;
      // What was raised before the first look is not news.
      const news = told ? ids.filter((id) => !told.has(id)) : [];
      const alerts = await alertsById(this.#database, news);
      this.#ready.push(...alerts.flatMap((alert) => alert ?? []));
      this.#last = { at, ids: new Set(ids) };
    } catch {
      // The next look sees it all: nothing was noted as seen.
    }
  }

  async #recent(): Promise<{ at: Date; ids: string[] }> {
    const [row] = await this.#database.query<{ at: Date; ids: string[] }>(
      `SELECT now() AS "at", ARRAY(
         SELECT "id"::text FROM "Alert" WHERE "createdAt" > coalesce($1::timestamptz, now()) - ${lookBack}
         ORDER BY "createdAt", "id") AS "ids"`,
      [this.#last?.at ?? null],
    );
    return row!;
  }
}
