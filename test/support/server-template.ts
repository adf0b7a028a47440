import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { openDatabase } from '../../src/data/open-database.ts';
import { fingerprint } from './embedded-template.ts';
import { testLog } from './test-log.ts';

/** Any number that nobody else locks with. */
const templateLock = 7_355_608;

export interface ServerDatabase {
  url: string;
  drop(): Promise<void>;
}

/** A new database on a server, copied from a migrated template that is made when it is missing. */
export async function createServerDatabase(serverUrl: string): Promise<ServerDatabase> {
  const template = `tessera_template_${await fingerprint()}`;
  return createFrom(serverUrl, async (client) => {
    // The lock holds other test processes until the template is whole; it ends with the connection.
    await client.query('SELECT pg_advisory_lock($1)', [templateLock]);
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [
      template,
    ]);
    if (rowCount === 0) await makeTemplate(serverUrl, { client, template });
    return template;
  });
}

/** A new database on a server, with nothing in it. */
export const createEmptyServerDatabase = (serverUrl: string): Promise<ServerDatabase> =>
  createFrom(serverUrl, async () => 'template0');

async function createFrom(
  serverUrl: string,
  chooseTemplate: (client: pg.Client) => Promise<string>,
): Promise<ServerDatabase> {
  const name = `tessera_test_${randomUUID().replaceAll('-', '')}`;
  await onServer(serverUrl, async (client) => {
    const template = await chooseTemplate(client);
    await client.query(`CREATE DATABASE "${name}" TEMPLATE "${template}"`);
  });
  return {
    url: databaseUrl(serverUrl, name),
    drop: () =>
      onServer(serverUrl, async (client) => {
        await client.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
      }),
  };
}

async function makeTemplate(
  serverUrl: string,
  { client, template }: { client: pg.Client; template: string },
): Promise<void> {
  const draft = `${template}_draft`;
  const { rows } = await client.query<{ datname: string }>(
    `SELECT datname FROM pg_database WHERE datname LIKE 'tessera\\_template\\_%'`,
  );
  for (const { datname } of rows) await client.query(`DROP DATABASE "${datname}" WITH (FORCE)`);
  await client.query(`CREATE DATABASE "${draft}"`);
  const database = await openDatabase({ url: databaseUrl(serverUrl, draft), log: testLog });
  await database.close();
  await client.query(`ALTER DATABASE "${draft}" RENAME TO "${template}"`);
}

function databaseUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function onServer(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
