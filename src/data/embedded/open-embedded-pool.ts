import { mkdir } from 'node:fs/promises';
import pg from 'pg';
import type { Log } from '../../kernel/log.ts';
import { columnTypes } from '../column-types.ts';
import { queryableOf } from '../run-transaction.ts';
import type { Durability } from './embedded-protocol.ts';
import { startEmbeddedServer } from './embedded-server.ts';
import { type FolderLock, lockFolder } from './folder-lock.ts';
import { prepareFolder } from './prepare-folder.ts';
import { startCheckpoints } from './start-checkpoints.ts';

export interface OpenPool {
  pool: pg.Pool;
  /** Ends the pool and what is behind it. */
  close(): Promise<void>;
}

interface EmbeddedPool extends OpenPool {
  /** The whole database as a tarball, for `loadDataDir`. */
  dump(): Promise<Blob>;
}

/**
 * PGlite behind a pool of one connection: it has a single backend, so statements queue at the pool. The database's files
 * are in `dataDir/postgres`, locked against other processes until `close`.
 */
export async function openEmbeddedPool(options: {
  dataDir: string;
  durability?: Durability | undefined;
  log: Log;
  loadDataDir?: Blob | undefined;
}): Promise<EmbeddedPool> {
  const { dataDir, durability, log, loadDataDir } = options;
  const inMemory = dataDir === 'memory://';
  const lock = inMemory ? undefined : await openFolder(dataDir);
  try {
    const server = await startEmbeddedServer(
      inMemory
        ? { dataDir, durability, loadDataDir }
        : { dataDir: await prepareFolder(dataDir, loadDataDir), durability },
      log,
    );
    const pool = new pg.Pool({
      stream: () => server.connect(),
      user: 'postgres',
      database: 'postgres',
      max: 1,
      idleTimeoutMillis: 0,
      types: columnTypes,
      onConnect: resetSession,
    });
    pool.on('error', (error) => log.error({ err: error }, 'the embedded database is gone'));
    const checkpoints = inMemory
      ? undefined
      : startCheckpoints({ database: queryableOf(pool), log });
    return {
      pool,
      dump: () => server.dump(),
      async close() {
        await checkpoints?.close();
        await pool.end();
        await server.close();
        await lock?.release();
      },
    };
  } catch (error) {
    await lock?.release();
    throw error;
  }
}

/** Rejects with one line. */
async function openFolder(dataDir: string): Promise<FolderLock> {
  try {
    // Everything that was asked and answered lies in it: nobody else's to read.
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    return await lockFolder(dataDir);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!code) throw error;
    throw new Error(`The data folder ${dataDir} can't be written to (${code}): set DATA_DIR`, {
      cause: error,
    });
  }
}

/** Every connection is the same backend: a new one must not find what a broken one left behind. */
async function resetSession(client: pg.ClientBase): Promise<void> {
  await client.query('ROLLBACK');
  await client.query('DISCARD ALL');
}
