import { hash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import type { Queryable, QueryOptions } from './database.ts';

const attempts = 4;
const retryDelayMs = 20;
const retriable = new Set(['40001', '40P01']);

/**
 * How a transaction begins on a server: should this process vanish from the network, its locks go after 30 s, not after
 * TCP's hours. Never on the embedded database, whose only backend such a timeout would end.
 */
export const beginOnServer = `BEGIN; SET LOCAL idle_in_transaction_session_timeout = '30s'`;

/** A pool's or client's rows, and nothing else of its answer. Does it prepare the statements that ask for it? */
export function queryableOf(
  connection: pg.Pool | pg.ClientBase,
  { prepares = false }: { prepares?: boolean } = {},
): Queryable {
  return {
    async query<Row extends object>(
      text: string,
      values?: readonly unknown[],
      options?: QueryOptions,
    ): Promise<Row[]> {
      const { rows } = await connection.query<Row & pg.QueryResultRow>({
        text,
        ...(values && { values: values as unknown[] }),
        ...(prepares && options?.prepared && { name: hash('sha1', text) }),
      });
      return rows;
    },
  };
}

export interface TransactionOptions<Result> {
  /** Its first statement. */
  begin: string;
  prepares: boolean;
  settings?: Readonly<Record<string, string>> | undefined;
  /** The work is one statement, which needs no frame. */
  single?: boolean | undefined;
  work(transaction: Queryable): Promise<Result>;
}

/** `Database.transaction` over a pool of node-postgres. */
export async function runTransaction<Result>(
  pool: pg.Pool,
  options: TransactionOptions<Result>,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      if (options.single) return await options.work(queryableOf(pool, options));
      return await attemptTransaction(pool, options);
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
  { begin, prepares, settings = {}, work }: TransactionOptions<Result>,
): Promise<Result> {
  const client = await pool.connect();
  // A connection that breaks while it is checked out has no other listener: the event would end the process.
  const ignore = (): void => undefined;
  client.on('error', ignore);
  let broken = false;
  try {
    const locals = Object.entries(settings).map(
      ([name, value]) => `; SET LOCAL ${name} = '${value}'`,
    );
    await client.query(begin + locals.join(''));
    const result = await work(queryableOf(client, { prepares }));
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
