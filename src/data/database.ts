import type { PrismaClient } from '../generated/prisma/client.ts';
import type { Signals } from './signals.ts';

export interface Queryable {
  /**
   * One SQL statement with `$1`-style parameters; resolves with its rows. Numerics come as strings, timestamps as
   * Date, json parsed. Rejects with the driver's error (`code` is the SQLSTATE).
   */
  query<Row extends object>(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

/** What the rooms know of the database: Prisma for plain records, SQL where Prisma can't say it or costs too much. */
export interface Database extends Queryable {
  kind: 'embedded' | 'postgres';
  prisma: PrismaClient;
  /**
   * Runs `work` in one transaction on one connection. Inside, use only the given `transaction`: the embedded
   * database has a single connection, and the outer client would wait for it for ever. A serialization failure or
   * deadlock (40001, 40P01) is tried again up to three times.
   */
  transaction<Result>(work: (transaction: Queryable) => Promise<Result>): Promise<Result>;
  signals: Signals;
  close(): Promise<void>;
}
