import { LRUCache } from 'lru-cache';
import { storableJson } from '../../kernel/json/storable-json.ts';
import type { Log } from '../../kernel/log.ts';
import type { CachedAnswer, ResponseCache } from '../models.ts';
import { canonicalDigest } from './canonical-digest.ts';

/** What the cache needs of a database. */
export interface CacheDatabase {
  query<Row extends object>(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

export interface ResponseCacheOptions {
  database: CacheDatabase;
  log: Log;
  /** Default 1,000. */
  maxEntriesInMemory?: number;
  /** How long an answer may be served. Default one hour. */
  ttlMs?: number;
  /** All answers in the database, as JSON. Default 64 MiB; a single one may take a hundredth of it. */
  maxBytes?: number;
  /** How often what is expired or too much is removed. Default one minute. */
  sweepEveryMs?: number;
}

/** Another server may have stored a newer answer (REFRESH): so long the memory may not know. */
const maxInMemoryMs = 60_000;

const defaults = {
  maxEntriesInMemory: 1_000,
  ttlMs: 60 * 60_000,
  maxBytes: 64 * 1024 * 1024,
  sweepEveryMs: 60_000,
};

/**
 * Answers kept in the database for all servers, and for a minute in memory. A database that fails is logged and taken
 * for an empty cache: no run fails for it.
 */
export function createResponseCache(options: ResponseCacheOptions): ResponseCache {
  const { database, log } = options;
  const { maxEntriesInMemory, ttlMs, maxBytes, sweepEveryMs } = { ...defaults, ...options };
  const memory = new LRUCache<string, CachedAnswer>({
    max: maxEntriesInMemory,
    ttl: Math.min(ttlMs, maxInMemoryMs),
  });
  const logged = async <Result>(doing: string, work: Promise<Result>): Promise<Result | null> => {
    try {
      return await work;
    } catch (error) {
      log.warn({ err: error }, `response cache: ${doing} failed`);
      return null;
    }
  };
  const timer = setInterval(() => void logged('sweeping', sweep(database, maxBytes)), sweepEveryMs);
  timer.unref();
  return {
    keyOf: canonicalDigest,
    async get(key) {
      const inMemory = memory.get(key);
      if (inMemory) return inMemory;
      const row = await logged('reading', read(database, key));
      if (!row) return null;
      const ttl = Math.min(maxInMemoryMs, row.expiresAt.getTime() - Date.now());
      memory.set(key, row.response, { ttl: Math.max(1, ttl) });
      return row.response;
    },
    async set(key, answer) {
      const bytes = Buffer.byteLength(JSON.stringify(answer));
      if (bytes > maxBytes / 100) return;
      memory.set(key, answer);
      await logged('writing', write(database, { key, answer, bytes, ttlMs }));
    },
    async close() {
      clearInterval(timer);
      memory.clear();
    },
  };
}

interface CachedRow {
  response: CachedAnswer;
  expiresAt: Date;
}

async function read(database: CacheDatabase, key: string): Promise<CachedRow | null> {
  const [row] = await database.query<CachedRow>(
    'SELECT response, "expiresAt" FROM "CachedResponse" WHERE key = $1 AND "expiresAt" > $2',
    [key, new Date()],
  );
  return row ?? null;
}

interface NewRow {
  key: string;
  answer: CachedAnswer;
  bytes: number;
  ttlMs: number;
}

async function write(
  database: CacheDatabase,
  { key, answer, bytes, ttlMs }: NewRow,
): Promise<void> {
  const now = new Date();
  await database.query(
    `INSERT INTO "CachedResponse" (key, model, response, bytes, "createdAt", "expiresAt")
     VALUES ($1, $2, $3::jsonb, $4, $5, $6)
     ON CONFLICT (key) DO UPDATE SET model = excluded.model, response = excluded.response,
       bytes = excluded.bytes, "createdAt" = excluded."createdAt", "expiresAt" = excluded."expiresAt"`,
    [key, answer.model, storableJson(answer), bytes, now, new Date(now.getTime() + ttlMs)],
  );
}

/** Removes what is expired, then the oldest answers until the rest takes `maxBytes` at most. */
async function sweep(database: CacheDatabase, maxBytes: number): Promise<void> {
  await database.query('DELETE FROM "CachedResponse" WHERE "expiresAt" <= $1', [new Date()]);
  await database.query(
    `DELETE FROM "CachedResponse" WHERE key IN (
       SELECT key FROM (
         SELECT key, sum(bytes) OVER (ORDER BY "createdAt" DESC, key) AS together FROM "CachedResponse"
       ) AS newest_first WHERE together > $1)`,
    [maxBytes],
  );
}
