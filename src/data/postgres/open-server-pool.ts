import pg from 'pg';
import type { Log } from '../../kernel/log.ts';
import { columnTypes } from '../column-types.ts';
import type { OpenPool } from '../embedded/open-embedded-pool.ts';

const oldestServer = 150_000;

/** A connection refused, and one that gets no answer, both surface within 5 seconds. */
const connectTimeoutMs = 3_000;

/** Long enough for any statement of ours; without it a connection to a vanished host would wait for TCP to give up. */
const statementTimeoutMs = 30_000;

/** How every connection to a server is made. */
export function connectionOptions(url: string, purpose?: string): pg.ClientConfig {
  return {
    connectionString: url,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    application_name: purpose ? `tessera-${purpose}` : 'tessera',
    types: columnTypes,
  };
}

/**
 * A pool of connections to a PostgreSQL server. It survives the server's restarts: broken connections are dropped, and
 * the next statement makes a new one.
 */
export function openServerPool(url: string, options: { poolSize: number; log: Log }): OpenPool {
  const pool = new pg.Pool({
    ...connectionOptions(url),
    max: options.poolSize,
    query_timeout: statementTimeoutMs,
    idleTimeoutMillis: 30_000,
  });
  // An idle connection that breaks: without a listener the event would end the process.
  pool.on('error', (error) =>
    options.log.warn(
      { err: error },
      'a connection to Postgres broke; the next statement makes another',
    ),
  );
  return { pool, close: () => pool.end() };
}

/** One connection for the start, without a limit of time: another server may be migrating. Rejects with one clear line. */
export async function connectAlone(url: string): Promise<pg.Client> {
  const client = new pg.Client(connectionOptions(url, 'migrations'));
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    const reason =
      error instanceof Error ? error.message || String(Reflect.get(error, 'code')) : String(error);
    throw new Error(
      `Can't connect to Postgres at ${client.host}:${client.port}, database ${client.database}: ${reason}`,
      { cause: error },
    );
  }
  try {
    await requireUsable(client);
    return client;
  } catch (error) {
    await client.end();
    throw error;
  }
}

async function requireUsable(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ version: string; number: number; vector: boolean }>(
    `SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number,
            EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector') AS vector`,
  );
  const server = rows[0]!;
  if (server.number < oldestServer) {
    throw new Error(`Postgres 15 or newer is needed; DATABASE_URL leads to ${server.version}.`);
  }
  if (!server.vector) {
    throw new Error(
      'The Postgres of DATABASE_URL has no pgvector: install the extension "vector" on that machine (https://github.com/pgvector/pgvector#installation).',
    );
  }
}
