import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createRateLimiter } from '../../src/auth/rate-limiter.ts';
import type { Database } from '../../src/data/database.ts';
import { openTestDatabase } from '../support/test-database.ts';
import { testLog } from '../support/test-log.ts';

let database: Database;

beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

const principal = (userId: string) => ({ userId, groups: [], roles: [], apiKeyId: null });

describe('createRateLimiter', () => {
  test('counts each key by itself, and says when to come back', async () => {
    const limiter = createRateLimiter({ database, requestsPerMinute: 3, log: testLog });
    const taken = await Promise.all([1, 2, 3, 4, 5].map(() => limiter.take(principal('ada'))));
    expect(taken.filter((wait) => wait === null)).toHaveLength(3);
    const wait = taken.find((seconds) => seconds !== null) ?? 0;
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(60);
    expect(await limiter.take(principal('bob'))).toBeNull();
    expect(await limiter.take({ ...principal('ada'), apiKeyId: 'key' })).toBeNull();
  });

  test('is shared by the servers of one database, and does without it while it is away', async () => {
    const shared: Database = Object.assign(Object.create(database), { kind: 'postgres' });
    const make = () => createRateLimiter({ database: shared, requestsPerMinute: 4, log: testLog });
    const servers = [make(), make()];
    const taken = await Promise.all(
      [0, 1, 0, 1, 0, 1, 0, 1].map((index) => servers[index]?.take(principal('cleo'))),
    );
    expect(taken.filter((wait) => wait === null)).toHaveLength(4);
    vi.spyOn(shared, 'query').mockRejectedValue(new Error('away'));
    expect(await make().take(principal('bob'))).toBeNull();
  });

  test('can be off', async () => {
    const limiter = createRateLimiter({ database, requestsPerMinute: null, log: testLog });
    const taken = await Promise.all(
      Array.from({ length: 100 }, () => limiter.take(principal('a'))),
    );
    expect(taken.every((wait) => wait === null)).toBe(true);
  });
});
