import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  createResponseCache,
  type ResponseCacheOptions,
} from '../../../src/model/cache/response-cache.ts';
import type { CachedAnswer } from '../../../src/model/models.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { testLog } from '../../support/test-log.ts';

let database: Awaited<ReturnType<typeof openTestDatabase>>;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
beforeEach(() => database.query('DELETE FROM "CachedResponse"'));

const answer = (text: string): CachedAnswer => ({
  model: 'claude-haiku-5-5',
  provider: 'anthropic',
  text,
  stopReason: 'end_turn',
  citations: [{ at: 3, citation: { citedText: 'ä 漢 \u0001' } }],
});

const open = (options: Partial<ResponseCacheOptions> = {}) =>
  createResponseCache({ database, log: testLog, ...options });

const countRows = async (): Promise<number> => {
  const [row] = await database.query<{ count: string }>('SELECT count(*) FROM "CachedResponse"');
  return Number(row?.count);
};

describe('response cache', () => {
  it('is shared by all servers on the database', async () => {
    const [here, there] = [open(), open()];
    await here.set('key', answer('one'));
    expect(await there.get('key')).toEqual(answer('one'));
    expect(await there.get('other')).toBeNull();
    await Promise.all([here.close(), there.close()]);
  });

  it('keeps an answer with characters that the database refuses, as replacement characters', async () => {
    const [here, there] = [open(), open()];
    await here.set('key', answer('NUL \0, half \ud800, \\u0000 and 😀'));
    expect(await there.get('key')).toEqual(answer('NUL \ufffd, half \ufffd, \\u0000 and 😀'));
    await Promise.all([here.close(), there.close()]);
  });

  it('answers from memory without the database', async () => {
    let queries = 0;
    const counted: ResponseCacheOptions['database'] = {
      query: (text, values) => {
        queries += 1;
        return database.query(text, values);
      },
    };
    const cache = open({ database: counted });
    await cache.set('key', answer('one'));
    const before = queries;
    expect(await cache.get('key')).toEqual(answer('one'));
    expect(queries).toBe(before);
    await cache.close();
  });

  it('takes a newer answer for the older', async () => {
    const [here, there] = [open(), open()];
    await here.set('key', answer('one'));
    await here.set('key', answer('two'));
    expect((await there.get('key'))?.text).toBe('two');
    await Promise.all([here.close(), there.close()]);
  });

  it('serves nothing that is expired, neither from memory nor from the database', async () => {
    const cache = open({ ttlMs: 30 });
    await cache.set('key', answer('one'));
    await expect.poll(() => cache.get('key'), { interval: 5 }).toBeNull();
    const other = open();
    expect(await other.get('key')).toBeNull();
    await Promise.all([cache.close(), other.close()]);
  });

  it('removes what is expired, and the oldest of too much', async () => {
    const brief = open({ ttlMs: 1, sweepEveryMs: 10_000 });
    await brief.set('expired', answer('x'));
    const cache = open({ maxBytes: 100_000, sweepEveryMs: 10 });
    for (let index = 0; index < 150; index += 1) {
      await cache.set(`key ${index}`, answer('y'.repeat(800)));
    }
    await expect.poll(countRows, { timeout: 5_000 }).toBeLessThan(110);
    const fresh = open();
    expect(await fresh.get('key 149')).not.toBeNull();
    expect(await fresh.get('key 0')).toBeNull();
    expect(await countRows()).toBeGreaterThan(50);
    await Promise.all([brief.close(), cache.close(), fresh.close()]);
  });

  it('does not keep an answer that is too long', async () => {
    const cache = open({ maxBytes: 100_000 });
    await cache.set('key', answer('z'.repeat(2_000)));
    expect(await cache.get('key')).toBeNull();
    await cache.close();
  });

  it('is empty, not broken, when its database fails', async () => {
    const failing = { query: () => Promise.reject(new Error('no database')) };
    const cache = open({ database: failing });
    expect(await cache.get('key')).toBeNull();
    await cache.set('key', answer('one'));
    expect((await cache.get('key'))?.text).toBe('one');
    await cache.close();
  });
});

describe('key of an answer', () => {
  const { keyOf } = createResponseCache({ database: { query: async () => [] }, log: testLog });
  const call = {
    model: 'claude-haiku-5-5',
    system: 'Be brief.',
    messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
    tools: [{ name: 'a', inputSchema: { type: 'object', properties: { x: {}, y: {} } } }],
    outputSchema: z.object({ a: z.string() }),
    maxTokens: 100,
    promptVersion: 'v1',
  };

  it('does not depend on the order of names', () => {
    const reversed = Object.fromEntries(Object.entries(call).reverse());
    expect(keyOf(reversed)).toBe(keyOf(call));
    expect(keyOf({ ...call, outputSchema: z.object({ a: z.string() }) })).toBe(keyOf(call));
  });

  it.each<[string, object]>([
    ['model', { model: 'claude-sonnet-5-5' }],
    ['system', { system: 'Be brief!' }],
    ['messages', { messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi ' }] }] }],
    ['tools', { tools: [] }],
    ['output schema', { outputSchema: z.object({ a: z.number() }) }],
    ['limits', { maxTokens: 101 }],
    ['prompt version', { promptVersion: 'v2' }],
    ['a field left out', { promptVersion: undefined }],
  ])('changes with the %s', (_name, change) => {
    expect(keyOf({ ...call, ...change })).not.toBe(keyOf(call));
  });

  it('keeps the order of lists', () => {
    expect(keyOf([1, 2])).not.toBe(keyOf([2, 1]));
  });
});
