import { PrismaPg } from '@prisma/adapter-pg';
import type pg from 'pg';
import { PrismaClient } from '../generated/prisma/client.ts';
import type { Log } from '../kernel/log.ts';
import type { Database } from './database.ts';
import { deployMigrations } from './deploy-migrations.ts';
import type { Durability } from './embedded/embedded-protocol.ts';
import { createLocalSignals } from './embedded/local-signals.ts';
import { openEmbeddedPool } from './embedded/open-embedded-pool.ts';
import { connectAlone, openServerPool } from './postgres/open-server-pool.ts';
import { openServerSignals } from './postgres/server-signals.ts';
import { beginOnServer, queryableOf, runTransaction } from './run-transaction.ts';
import type { Signals } from './signals.ts';

export interface OpenDatabaseOptions {
  /** A PostgreSQL server (15 or newer, with pgvector) as a connection string. Absent: embedded. */
  url?: string;
  /** The embedded database's folder, made if absent, or `memory://`. Default `.tessera`. */
  dataDir?: string;
  /** What an acknowledged change outlasts in the embedded database's folder. Default `power`. */
  durability?: Durability;
  /** Connections to the server, besides one for signals. Default 10. The embedded database always has one. */
  poolSize?: number;
  log: Log;
  /** A dump that a new embedded database starts from. */
  loadDataDir?: Blob;
}

/** The embedded database can be dumped whole, for `loadDataDir`. */
export interface EmbeddedDatabase extends Database {
  kind: 'embedded';
  dump(): Promise<Blob>;
}

/** Opens the database and applies its migrations. Rejects with one clear line when it can't be used. */
export async function openDatabase(options: OpenDatabaseOptions): Promise<Database> {
  return options.url ? openServerDatabase(options.url, options) : openEmbeddedDatabase(options);
}

/** `openDatabase` without a `url`. */
export async function openEmbeddedDatabase(
  options: OpenDatabaseOptions,
): Promise<EmbeddedDatabase> {
  const { log } = options;
  const { pool, close, dump } = await openEmbeddedPool({
    dataDir: options.dataDir ?? '.tessera',
    durability: options.durability,
    log,
    loadDataDir: options.loadDataDir,
  });
  try {
    await deployMigrations(queryableOf(pool), { log });
  } catch (error) {
    await close();
    throw error;
  }
  return {
    kind: 'embedded',
    dump,
    ...databaseOver(pool, {
      begin: 'BEGIN',
      prepares: true,
      signals: createLocalSignals(log),
      close,
    }),
  };
}

async function openServerDatabase(url: string, options: OpenDatabaseOptions): Promise<Database> {
  const { log } = options;
  const client = await connectAlone(url);
  try {
    await deployMigrations(queryableOf(client), { log });
  } finally {
    await client.end();
  }
  const { pool, close } = openServerPool(url, { poolSize: options.poolSize ?? 10, log });
  const signals = await openServerSignals(url, { pool, log });
  const closeAll = async (): Promise<void> => {
    await signals.close();
    await close();
  };
  return {
    kind: 'postgres',
    ...databaseOver(pool, { begin: beginOnServer, prepares: false, signals, close: closeAll }),
  };
}

function databaseOver(
  pool: pg.Pool,
  parts: { begin: string; prepares: boolean; signals: Signals; close(): Promise<void> },
): Omit<Database, 'kind'> {
  const prisma = new PrismaClient({
    adapter: new PrismaPg(pool),
    // The embedded database has one connection: a transaction may wait its turn behind many statements.
    transactionOptions: { maxWait: 30_000, timeout: 30_000 },
  });
  let closed: Promise<void> | undefined;
  return {
    prisma,
    ...queryableOf(pool, parts),
    transaction: (work, settings, options) =>
      runTransaction(pool, { ...parts, ...options, work, settings }),
    signals: parts.signals,
    close() {
      closed ??= prisma.$disconnect().then(() => parts.close());
      return closed;
    },
  };
}
