import type { PrismaClient } from '../generated/prisma/client.ts';
import type { Signals } from './signals.ts';

export interface QueryOptions {
  /**
   * The embedded database, which plans slowly, keeps the statement's plan: for one that runs often with this very text,
   * and whose plan depends neither on its values nor on how much the tables hold. On a server it changes nothing: poolers
   * between may know no prepared statements.
   */
  prepared?: boolean;
}

export interface Queryable {
  /**
   * One SQL statement with `$1`-style parameters; resolves with its rows. Numerics come as strings, timestamps as
   * Date, json parsed. Rejects with the driver's error (`code` is the SQLSTATE).
   */
  query<Row extends object>(
    text: string,
    values?: readonly unknown[],
    options?: QueryOptions,
  ): Promise<Row[]>;
}

/** What the services know of the database: Prisma for plain records, SQL where Prisma can't say it or costs too much. */
export interface Database extends Queryable {
  kind: 'embedded' | 'postgres';
  prisma: PrismaClient;
  /**
   * Runs `work` in one transaction on one connection. Inside, use only the given `transaction`: the embedded
   * database has a single connection, and the outer client would wait for it for ever. A serialization failure or
   * deadlock (40001, 40P01) is tried again up to three times. `settings` of the server hold for it alone. With `single`
   * the work is one statement, which is a transaction by itself: two round trips less.
   */
  transaction<Result>(
    work: (transaction: Queryable) => Promise<Result>,
    settings?: Readonly<Record<string, string>>,
    options?: { single?: boolean },
  ): Promise<Result>;
  signals: Signals;
  close(): Promise<void>;
}
