import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Database } from '../../../src/data/database.ts';
import { newId } from '../../../src/data/new-id.ts';
import { openDatabase } from '../../../src/data/open-database.ts';
import { createEmptyServerDatabase, createServerDatabase } from '../../support/server-template.ts';
import { testLog } from '../../support/test-log.ts';
import { startTcpProxy } from './tcp-proxy.ts';

const serverUrl = process.env['TEST_DATABASE_URL']!;
const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function createUrl(make = createServerDatabase): Promise<string> {
  const { url, drop } = await make(serverUrl);
  cleanups.push(drop);
  return url;
}

async function open(url: string): Promise<Database> {
  const database = await openDatabase({ url, poolSize: 5, log: testLog });
  cleanups.push(() => database.close());
  return database;
}

async function openProxied(): Promise<{
  database: Database;
  direct: string;
  proxy: Awaited<ReturnType<typeof startTcpProxy>>;
}> {
  const direct = await createUrl();
  const proxy = await startTcpProxy(direct);
  cleanups.push(() => proxy.close());
  return { database: await open(proxy.url), direct, proxy };
}

test('several servers may migrate one empty database at once', async () => {
  const url = await createUrl(createEmptyServerDatabase);
  const databases = await Promise.all(Array.from({ length: 4 }, () => open(url)));
  const records = await databases[0]!.query<{ migration_name: string }>(
    `SELECT migration_name FROM "_prisma_migrations" ORDER BY migration_name`,
  );
  expect(records.length).toBeGreaterThan(0);
  expect(new Set(records.map((record) => record.migration_name)).size).toBe(records.length);
  for (const database of databases) expect(await database.prisma.budget.count()).toBe(0);
});

test('a server that cannot be reached is named in one line, without the password', async () => {
  const refused = openDatabase({ url: 'postgres://me:secret@127.0.0.1:1/data', log: testLog });
  const message = await refused.catch((error: Error) => error.message);
  expect(message).toBe(
    "Can't connect to Postgres at 127.0.0.1:1, database data: connect ECONNREFUSED 127.0.0.1:1",
  );
});

test('transactions that deadlock are tried again', async () => {
  const database = await open(await createUrl());
  const ids = [newId(), newId()];
  for (const id of ids) {
    await database.query(
      `INSERT INTO "Budget" ("id", "subject", "period", "limit") VALUES ($1, $2, 'DAILY', 0)`,
      [id, id],
    );
  }
  const firstLocks: PromiseWithResolvers<void>[] = ids.map(() => Promise.withResolvers());
  let attempts = 0;
  const lockBoth = (from: 0 | 1): Promise<void> =>
    database.transaction(async (transaction) => {
      attempts += 1;
      const increment = `UPDATE "Budget" SET "limit" = "limit" + 1 WHERE "id" = $1`;
      await transaction.query(increment, [ids[from]]);
      firstLocks[from]!.resolve();
      await firstLocks[1 - from]!.promise;
      await transaction.query(increment, [ids[1 - from]]);
    });
  await Promise.all([lockBoth(0), lockBoth(1)]);
  expect(attempts).toBe(3);
  expect(await database.query(`SELECT "limit"::int FROM "Budget"`)).toEqual([
    { limit: 2 },
    { limit: 2 },
  ]);
});

describe('signals', () => {
  test('reach every server, each once, in order', async () => {
    const url = await createUrl();
    const [here, there] = [await open(url), await open(url)];
    const heard: { here: string[]; there: string[] } = { here: [], there: [] };
    here.signals.subscribe('run', (key) => heard.here.push(key));
    there.signals.subscribe('run', (key) => heard.there.push(key));
    await here.signals.publish('run', 'one');
    await Promise.all(['two', 'three'].map((key) => here.signals.publish('run', key)));
    await vi.waitFor(() => expect(heard.there).toEqual(['one', 'two', 'three']), 5_000);
    await there.signals.publish('run', 'back');
    await vi.waitFor(() => expect(heard.here).toContain('back'), 5_000);
    expect(heard).toEqual({
      here: ['one', 'two', 'three', 'back'],
      there: ['one', 'two', 'three', 'back'],
    });
  });

  test('after an interruption every listener is told to look at everything', async () => {
    const { database, direct, proxy } = await openProxied();
    const other = await open(direct);
    const heard: string[] = [];
    database.signals.subscribe('approval', (key) => heard.push(key));
    await proxy.goDown();
    await database.signals.publish('approval', 'alone');
    expect(heard).toEqual(['alone']);
    await proxy.comeBack();
    await vi.waitFor(() => expect(heard).toEqual(['alone', '*']), 15_000);
    await other.signals.publish('approval', 'again');
    await vi.waitFor(() => expect(heard).toEqual(['alone', '*', 'again']), 5_000);
  });
});

describe('an outage', () => {
  test('refuses within 5 seconds, and passes without a new Database', async () => {
    const { database, proxy } = await openProxied();
    const hung = database.transaction(async (transaction) => {
      await transaction.query('SELECT 1');
      await proxy.goDown();
      await transaction.query('SELECT 1');
    });
    await expect(hung).rejects.toThrow();
    const start = performance.now();
    await expect(database.query('SELECT 1')).rejects.toThrow(/ECONNREFUSED/);
    await expect(
      database.transaction((transaction) => transaction.query('SELECT 1')),
    ).rejects.toThrow();
    await expect(database.prisma.budget.count()).rejects.toThrow();
    expect(performance.now() - start).toBeLessThan(5_000);
    await proxy.comeBack();
    expect(await database.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(await database.prisma.budget.count()).toBe(0);
  });

  test('of a host that has vanished refuses what needs a connection within 5 seconds', async () => {
    const { database, proxy } = await openProxied();
    await proxy.goDown();
    await proxy.comeBack();
    proxy.freeze();
    const start = performance.now();
    await expect(database.query('SELECT 1')).rejects.toThrow(/timeout/);
    expect(performance.now() - start).toBeLessThan(5_000);
    await proxy.goDown();
    await proxy.comeBack();
    expect(await database.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  test('that ends every session at the server is survived', async () => {
    const url = await createUrl();
    const [database, operator] = [await open(url), await open(url)];
    await Promise.all([1, 2, 3].map(() => database.query('SELECT pg_sleep(0.01)')));
    await operator.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
    await vi.waitFor(async () => {
      expect(await database.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    }, 5_000);
  });
});
