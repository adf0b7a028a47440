import type { Database } from '../../src/data/database.ts';
import { openDatabase } from '../../src/data/open-database.ts';
import { embeddedTemplate } from './embedded-template.ts';
import { createServerDatabase } from './server-template.ts';
import { testLog } from './test-log.ts';

/**
 * A migrated, empty database of its own, gone at the end: `await using database = await openTestDatabase()`. Embedded in
 * memory, or on the server of TEST_DATABASE_URL.
 */
export async function openTestDatabase(): Promise<Database & AsyncDisposable> {
  const serverUrl = process.env['TEST_DATABASE_URL'];
  return serverUrl ? openOnServer(serverUrl) : openEmbedded();
}

async function openEmbedded(): Promise<Database & AsyncDisposable> {
  const database = await openDatabase({
    dataDir: 'memory://',
    loadDataDir: await embeddedTemplate(),
    log: testLog,
  });
  return { ...database, [Symbol.asyncDispose]: database.close };
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
