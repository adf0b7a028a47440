import type { Database } from '../../src/data/database.ts';
import { openDatabase, openEmbeddedDatabase } from '../../src/data/open-database.ts';
import { embeddedTemplate } from './embedded-template.ts';
import { createServerDatabase } from './server-template.ts';
import { testLog } from './test-log.ts';
import { leaveUsed, readPristine, takeUsed } from './used-databases.ts';

/**
 * A migrated, empty database of its own, gone at the end: `await using database = await openTestDatabase()`. Embedded in
 * memory, or on the server of TEST_DATABASE_URL.
 */
export async function openTestDatabase(): Promise<Database & AsyncDisposable> {
  const serverUrl = process.env['TEST_DATABASE_URL'];
  return serverUrl ? openOnServer(serverUrl) : openEmbedded();
}

async function openEmbedded(): Promise<Database & AsyncDisposable> {
  const used = takeUsed() ?? (await makeEmbedded());
  const { query, transaction, signals, ...rest } = used.database;
  const unsubscribe: (() => void)[] = [];
  let closed: Promise<void> | undefined;
  const whileOpen = <Given extends unknown[], Result>(work: (...given: Given) => Promise<Result>) =>
    async function guarded(...given: Given): Promise<Result> {
      if (closed) throw new Error('The embedded database is closed.');
      return work(...given);
    };
  const close = (): Promise<void> => {
    closed ??= leaveUsed(used);
    for (const leave of unsubscribe) leave();
    return closed;
  };
  return {
    ...rest,
    query: whileOpen(query) as Database['query'],
    transaction: whileOpen(transaction) as Database['transaction'],
    signals: {
      publish: signals.publish,
      subscribe(topic, listener) {
        const leave = signals.subscribe(topic, listener);
        unsubscribe.push(leave);
        return leave;
      },
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function makeEmbedded() {
  const loadDataDir = await embeddedTemplate();
  const database = await openEmbeddedDatabase({ dataDir: 'memory://', loadDataDir, log: testLog });
  return { database, pristine: await readPristine(database) };
}

async function openOnServer(serverUrl: string): Promise<Database & AsyncDisposable> {
  const { url, drop } = await createServerDatabase(serverUrl);
  const database = await openDatabase({ url, poolSize: 5, log: testLog });
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= database.close().then(drop);
    return closed;
  };
  return { ...database, close, [Symbol.asyncDispose]: close };
}
