import pg from 'pg';
import type { Queryable } from '../../../src/data/database.ts';
import { startEmbeddedServer } from '../../../src/data/embedded/embedded-server.ts';
import { queryableOf } from '../../../src/data/run-transaction.ts';
import { createEmptyServerDatabase } from '../../support/server-template.ts';
import { testLog } from '../../support/test-log.ts';

/** One connection to a database with nothing in it: embedded, or on the server of TEST_DATABASE_URL. */
export async function openBareConnection(): Promise<Queryable & AsyncDisposable> {
  const serverUrl = process.env['TEST_DATABASE_URL'];
  const { config, dispose } = serverUrl ? await onServer(serverUrl) : await embedded();
  const client = new pg.Client(config);
  await client.connect();
  return {
    ...queryableOf(client),
    async [Symbol.asyncDispose]() {
      await client.end();
      await dispose();
    },
  };
}

interface Target {
  config: pg.ClientConfig;
  dispose(): Promise<void>;
}

async function onServer(serverUrl: string): Promise<Target> {
  const { url, drop } = await createEmptyServerDatabase(serverUrl);
  return { config: { connectionString: url }, dispose: drop };
}

async function embedded(): Promise<Target> {
  const server = await startEmbeddedServer({ dataDir: 'memory://' }, testLog);
  return {
    config: { stream: () => server.connect(), user: 'postgres', database: 'postgres' },
    dispose: () => server.close(),
  };
}
