import type { Database } from '../../data/database.ts';

/** How often a server says of the runs that are read there, and executed elsewhere, that they are. */
export const noteEveryMs = 1_000;

/**
 * Who reads here what other servers execute. Those servers are told, in the run's row, that somebody reads, and when
 * the last reader here has gone: at once when it unsubscribed, after the grace when its connection was lost.
 */
export class RemoteReaders {
  readonly #database: Database;
  readonly #graceMs: number;
  readonly #readers = new Map<string, number>();
  /** By run whose last reader here was lost: what tells so, unless another reader comes before. */
  readonly #lost = new Map<string, NodeJS.Timeout>();
  #timer: NodeJS.Timeout | null = null;
  /** Ends when the last note is stored: one that came later than a leave would undo it. */
  #noted: Promise<void> = Promise.resolve();

  constructor(database: Database, graceMs: number) {
    this.#database = database;
    this.#graceMs = graceMs;
  }

  /** Somebody reads the run from now on. Returns what to call, once, when they go; without a reason, the run has ended. */
  attach(runId: string): (how?: 'unsubscribed' | 'disconnected') => void {
    clearTimeout(this.#lost.get(runId));
    this.#lost.delete(runId);
    const before = this.#readers.get(runId) ?? 0;
    this.#readers.set(runId, before + 1);
    if (before === 0) this.#note([runId]);
    this.#timer ??= setInterval(() => this.#noteAll(), noteEveryMs).unref();
    let here = true;
    return (how) => {
      if (!here) return;
      here = false;
      const left = this.#readers.get(runId)! - 1;
      if (left > 0) return void this.#readers.set(runId, left);
      this.#readers.delete(runId);
      if (how === 'unsubscribed') void this.#tellLeft(runId);
      else if (how) this.#tellLeftAfterGrace(runId);
    };
  }

  /** How long ago, by the database's clock, a run of this server was last noted as read elsewhere; Infinity: nobody reads it. */
  readonly silenceMs = async (runId: string): Promise<number> => {
    const sql = `SELECT extract(epoch FROM now() - "readerSeenAt")::float8 * 1000 AS ms
                 FROM "Run" WHERE id = $1 AND "readerSeenAt" <> 'epoch'`;
    return (await this.#database.query<{ ms: number | null }>(sql, [runId]))[0]?.ms ?? Infinity;
  };

  #tellLeftAfterGrace(runId: string): void {
    const tell = () => {
      this.#lost.delete(runId);
      void this.#tellLeft(runId);
    };
    this.#lost.set(runId, setTimeout(tell, this.#graceMs).unref());
  }

  #noteAll(): void {
    this.#note([...this.#readers.keys()]);
    if (this.#readers.size > 0 || !this.#timer) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  #note(runIds: string[]): void {
    if (this.#database.kind === 'embedded' || runIds.length === 0) return;
    this.#noted = Promise.all([this.#noted, this.#write(runIds, 'now()')]).then(() => undefined);
  }

  /** Should others still read it on third servers: they note themselves again within a second. */
  async #tellLeft(runId: string): Promise<void> {
    if (this.#database.kind === 'embedded') return;
    await this.#noted;
    if (this.#readers.has(runId) || this.#lost.has(runId)) return;
    await this.#write([runId], `'epoch'`);
    await this.#database.signals.publish('reader', runId);
  }

  /** Never rejects: what is not written now is written a second later, or found out by the silence. */
  async #write(runIds: string[], at: string): Promise<void> {
    const sql = `UPDATE "Run" SET "readerSeenAt" = ${at} WHERE id = ANY($1::uuid[]) AND "finishedAt" IS NULL`;
    await this.#database.query(sql, [runIds]).catch(() => undefined);
  }
}
