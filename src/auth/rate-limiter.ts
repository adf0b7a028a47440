import { LRUCache } from 'lru-cache';
import {
  type RateLimiterAbstract,
  RateLimiterMemory,
  RateLimiterPostgres,
  RateLimiterRes,
} from 'rate-limiter-flexible';
import type { Database } from '../data/database.ts';
import type { Principal } from '../kernel/access/principal.ts';
import type { Log } from '../kernel/log.ts';
import { withTimeout } from '../kernel/timing/with-timeout.ts';

export interface RateLimiter {
  /** Takes one request from the caller's minute. Null: go on; else the seconds until the next minute begins. */
  take(principal: Principal): Promise<number | null>;
}

const windowSeconds = 60;

/** A database that hangs must not hold callers for longer than it may be away: this server counts for itself then. */
const answerTimeoutMs = 1_000;

/** Distinct limits kept at a time; keys with the same limit share one. */
const maxLimits = 1_000;

/**
 * At most `requestsPerMinute` requests a minute for each key (for each user, where there is no key), or as many as the
 * key's scopes say. Counted in the database when several servers may share it, else in memory; while the database is away
 * each server counts for itself. Null: no limit, but that of a key's scopes.
 */
export function createRateLimiter(options: {
  database: Database;
  requestsPerMinute: number | null;
  log: Log;
}): RateLimiter {
  const { database, requestsPerMinute, log } = options;
  const limiters = new LRUCache<number, RateLimiterAbstract>({ max: maxLimits });
  const limiterOf = (points: number): RateLimiterAbstract => {
    const known = limiters.get(points);
    if (known) return known;
    const memory = new RateLimiterMemory({ points, duration: windowSeconds });
    const limiter = database.kind === 'embedded' ? memory : shared(database, points, memory);
    limiters.set(points, limiter);
    return limiter;
  };
  return {
    async take({ apiKeyId, userId, scopes }) {
      const limit = scopes?.requestsPerMinute ?? requestsPerMinute;
      if (limit === null) return null;
      try {
        await limiterOf(limit).consume(apiKeyId ?? `user:${userId}`);
        return null;
      } catch (refusal) {
        if (refusal instanceof RateLimiterRes) return Math.ceil(refusal.msBeforeNext / 1000);
        log.warn({ err: refusal }, 'the rate limit cannot be checked');
        return null;
      }
    },
  };
}

function shared(
  database: Database,
  points: number,
  insuranceLimiter: RateLimiterMemory,
): RateLimiterAbstract {
  return new RateLimiterPostgres({
    storeClient: {
      query: async ({ text, values }: { text: string; values?: unknown[] }) => ({
        rows: await withTimeout(answerTimeoutMs, database.query(text, values), 'the database'),
      }),
    },
    storeType: 'pool',
    tableName: 'RateLimit',
    // By a migration; its columns and their order are what the library writes.
    tableCreated: true,
    keyPrefix: '',
    points,
    duration: windowSeconds,
    // A key that is over its limit is refused without asking the database again.
    inMemoryBlockOnConsumed: points + 1,
    insuranceLimiter,
  });
}
