import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import type { Queryable } from './database.ts';

const attempts = 4;
const retryDelayMs = 20;
const retriable = new Set(['40001', '40P01']);

/**
 * How a transaction begins on a server: should this process vanish from the network, its locks go after 30 s, not after
 * TCP's hours. Never on the embedded database, whose only backend such a timeout would end.
 */
export const beginOnServer = `BEGIN; SET LOCAL idle_in_transaction_session_timeout = '30s'`;

/** A pool's or client's rows, and nothing else of its answer. */
export function queryableOf(connection: pg.Pool | pg.ClientBase): Queryable {
  return {
    async query<Row extends object>(text: string, values?: readonly unknown[]): Promise<Row[]> {
      const result = await connection.query<Row & pg.QueryResultRow>(
        text,
        values as unknown[] | undefined,
      );
      return result.rows;
    },
  };
}

/** `Database.transaction` over a pool of node-postgres; `begin` is its first statement. */
export async function runTransaction<Result>(
  pool: pg.Pool,
  begin: string,
  work: (transaction: Queryable) => Promise<Result>,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptTransaction(pool, begin, work);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      if (attempt >= attempts || !retriable.has(code)) throw error;
      // Two that deadlocked would meet again if both came back at once.
      await delay(attempt * retryDelayMs * Math.random());
    }
  }
}

async function attemptTransaction<Result>(
  pool: pg.Pool,
  begin: string,
  work: (transaction: Queryable) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  // A connection that breaks while it is checked out has no other listener: the event would end the process.
  const ignore = (): void => undefined;
  client.on('error', ignore);
  let broken = false;
  try {
    await client.query(begin);
    const result = await work(queryableOf(client));
    const { command } = await client.query('COMMIT');
    // Postgres answers COMMIT of a transaction in which a statement failed with a polite ROLLBACK.
    if (command !== 'COMMIT')
      throw new Error('The transaction was rolled back: a statement in it had failed.');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {
      broken = true;
    });
    throw error;
  } finally {
    client.off('error', ignore);
    client.release(broken);
  }
}
