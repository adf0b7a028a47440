import type { Database } from '../../data/database.ts';
import type { Log } from '../../kernel/log.ts';

const defaultLeaseMs = 20_000;

interface DeploymentOptions {
  database: Database;
  serverId: string;
  version: string;
  log: Log;
  /**
   * A server that has not said for this long that it lives is dead: its runs and holds are taken over. It says so four
   * times as often. Default 20,000.
   */
  leaseMs?: number | undefined;
  /** Takes over what these servers have left. Called again at the next beat should it reject. */
  takeOver(deadServerIds: readonly string[]): Promise<void>;
  /** Called at every beat besides. */
  onBeat(leaseMs: number): Promise<void>;
}

/** This server among those of its deployment: says that it lives, and looks after what dead ones left. */
export class Deployment {
  readonly #options: DeploymentOptions;
  readonly #leaseMs: number;
  #timer: NodeJS.Timeout | null = null;
  #renewedAt = Number.NEGATIVE_INFINITY;
  #steadySince = 0;
  #beating: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: DeploymentOptions) {
    this.#options = options;
    this.#leaseMs = options.leaseMs ?? defaultLeaseMs;
  }

  /** Joins, and takes over at once what a former process left: an embedded database has no other servers. */
  async join(): Promise<void> {
    const { database, serverId, version } = this.#options;
    await database.query(
      `INSERT INTO "Server" (id, version, "leaseUntil") VALUES ($1, $2, now() + $3 * interval '1 millisecond')`,
      [serverId, version, this.#leaseMs],
    );
    if (database.kind === 'embedded') {
      await database.query(`UPDATE "Server" SET "leaseUntil" = 'epoch' WHERE id <> $1`, [serverId]);
    }
    await this.#beat();
    this.#schedule();
  }

  /** Leaves: what is still this server's may be taken over from now on. */
  async leave(): Promise<void> {
    this.#stopped = true;
    if (this.#timer) clearTimeout(this.#timer);
    await this.#beating;
    const { database, serverId } = this.#options;
    await database.query(`UPDATE "Server" SET "leaseUntil" = 'epoch' WHERE id = $1`, [serverId]);
    await this.#forget([serverId]);
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#beating = this.#beat().finally(() => this.#schedule());
    }, this.#leaseMs / 4);
    this.#timer.unref();
  }

  async #beat(): Promise<void> {
    const { log, onBeat } = this.#options;
    try {
      await this.#renew();
      await this.#sweep();
      await onBeat(this.#leaseMs);
    } catch (error) {
      log.error({ err: error }, 'the beat failed, the next one tries again');
    }
  }

  async #renew(): Promise<void> {
    const { database, serverId, version } = this.#options;
    await database.query(
      `INSERT INTO "Server" (id, version, "leaseUntil") VALUES ($1, $2, now() + $3 * interval '1 millisecond')
       ON CONFLICT (id) DO UPDATE SET "leaseUntil" = excluded."leaseUntil"`,
      [serverId, version, this.#leaseMs],
    );
    const now = performance.now();
    if (now - this.#renewedAt > this.#leaseMs / 2) this.#steadySince = now;
    this.#renewedAt = now;
  }

  /**
   * What kept this server from the database kept the others from it as well: their leases have lapsed and they live. So
   * it believes a lapsed lease only after a whole lease without such a gap. One that left says so: "epoch".
   */
  async #sweep(): Promise<void> {
    const { database, serverId, takeOver, log } = this.#options;
    const steady = performance.now() - this.#steadySince >= this.#leaseMs;
    const dead = await database.query<{ id: string }>(
      `SELECT id FROM "Server" WHERE id <> $1 AND ("leaseUntil" = 'epoch' OR $2 AND "leaseUntil" < now())
       UNION SELECT "serverId" FROM "Run" r WHERE $2 AND status IN ('RUNNING', 'QUEUED') AND "serverId" <> $1
         AND "createdAt" < now() - $3 * interval '1 millisecond'
         AND NOT EXISTS (SELECT 1 FROM "Server" s WHERE s.id = r."serverId")`,
      [serverId, steady, this.#leaseMs],
    );
    if (dead.length === 0) return;
    const ids = dead.map(({ id }) => id);
    log.warn({ servers: ids }, 'servers are gone, taking over what they left');
    await takeOver(ids);
    await this.#forget(ids);
  }

  /** A server that left nothing behind needs no row. */
  async #forget(ids: readonly string[]): Promise<void> {
    const { database } = this.#options;
    await database.query(
      `DELETE FROM "Server" s WHERE s.id = ANY($1::uuid[]) AND s."leaseUntil" < now()
       AND NOT EXISTS (SELECT 1 FROM "Hold" h WHERE h."serverId" = s.id)
       AND NOT EXISTS (SELECT 1 FROM "Run" r WHERE r."serverId" = s.id AND r."finishedAt" IS NULL
                       AND r.status <> 'WAITING_FOR_APPROVAL')`,
      [ids],
    );
  }
}
