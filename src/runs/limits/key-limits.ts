import type { Queryable } from '../../data/database.ts';
import type { Caller } from '../../kernel/access/principal.ts';
import { DomainError } from '../../kernel/errors.ts';
import type { LiveRuns } from '../live/live-runs.ts';

const windowMs = 60_000;

type KeyHolder = Pick<Caller, 'apiKeyId' | 'scopes'>;

interface KeyLimitsOptions {
  database: Queryable;
  liveRuns: Pick<LiveRuns, 'of'>;
  serverId: string;
}

/** Limits in the scopes of a key: runs at once, and tokens a minute. Callers without such a limit cost nothing. */
export class KeyLimits {
  readonly #options: KeyLimitsOptions;
  /** By key: runs that were admitted and are not live yet. */
  readonly #starting = new Map<string, number>();

  constructor(options: KeyLimitsOptions) {
    this.#options = options;
  }

  /** Begins a run where the key has room for one more. Rejects with RATE_LIMITED where it has not. */
  async begin(caller: KeyHolder, run: () => Promise<void>): Promise<void> {
    const { apiKeyId, scopes } = caller;
    const max = scopes?.concurrentRuns;
    if (apiKeyId === null || max === undefined) return run();
    const starting = this.#starting.get(apiKeyId) ?? 0;
    // Counted before the database is asked, so that runs that begin together do not overlook each other.
    this.#starting.set(apiKeyId, starting + 1);
    try {
      const here = this.#options.liveRuns.of({ apiKeyId }).length + starting;
      if (here >= max || here + (await this.#runsElsewhere(apiKeyId)) >= max)
        throw tooManyRuns(max);
      await run();
    } finally {
      const left = this.#starting.get(apiKeyId)! - 1;
      if (left > 0) this.#starting.set(apiKeyId, left);
      else this.#starting.delete(apiKeyId);
    }
  }

  /** Rejects with RATE_LIMITED once the key's calls of the last minute have used its tokens up. */
  async assertTokens({ apiKeyId, scopes }: KeyHolder): Promise<void> {
    const max = scopes?.tokensPerMinute;
    if (apiKeyId === null || max === undefined) return;
    const [used] = await this.#options.database.query<{ tokens: number; oldest: Date | null }>(
      `SELECT coalesce(sum("inputTokens"::bigint + "outputTokens"), 0)::float8 AS tokens, min("createdAt") AS oldest
       FROM "UsageRecord" WHERE "createdAt" > now() - make_interval(secs => $2) AND "apiKeyId" = $1`,
      [apiKeyId, windowMs / 1_000],
    );
    if (!used?.oldest || used.tokens < max) return;
    const retryAfterMs = Math.max(1, used.oldest.getTime() + windowMs - Date.now());
    const message = `This key may use ${max} tokens a minute. Try again in ${Math.ceil(retryAfterMs / 1_000)} s.`;
    throw new DomainError('RATE_LIMITED', message, { details: { retryAfterMs } });
  }

  async #runsElsewhere(apiKeyId: string): Promise<number> {
    const { database, serverId } = this.#options;
    const [row] = await database.query<{ runs: number }>(
      `SELECT count(*)::int AS runs FROM "Run"
       WHERE "apiKeyId" = $1 AND status IN ('QUEUED', 'RUNNING') AND "serverId" <> $2 AND "parentRunId" IS NULL`,
      [apiKeyId, serverId],
    );
    return row?.runs ?? 0;
  }
}

const tooManyRuns = (max: number): DomainError =>
  new DomainError(
    'RATE_LIMITED',
    `This key has ${max} runs under way, which is its limit. Wait for one to end, or cancel it.`,
  );
