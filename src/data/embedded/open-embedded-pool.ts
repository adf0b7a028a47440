import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import type { Log } from '../../kernel/log.ts';
import { columnTypes } from '../column-types.ts';
import { type EmbeddedServer, startEmbeddedServer } from './embedded-server.ts';
import { type FolderLock, lockFolder } from './folder-lock.ts';

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
  log: Log;
  loadDataDir?: Blob;
}): Promise<EmbeddedPool> {
  const { dataDir, log, loadDataDir } = options;
  const inMemory = dataDir === 'memory://';
  const lock = inMemory ? undefined : await openFolder(dataDir);
  try {
    const start = (folder: string): Promise<EmbeddedServer> =>
      startEmbeddedServer({ dataDir: folder, ...(loadDataDir ? { loadDataDir } : {}) }, log);
    const server = inMemory ? await start(dataDir) : await startInFolder(dataDir, start);
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
    return {
      pool,
      dump: () => server.dump(),
      async close() {
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

/**
 * A process that is killed while it makes a new database (the first two seconds of the first start) can leave files that
 * PGlite will never open. A mark stands beside them meanwhile: nothing was stored yet, so the next start makes them anew.
 */
async function startInFolder(
  dataDir: string,
  start: (folder: string) => Promise<EmbeddedServer>,
): Promise<EmbeddedServer> {
  const folder = path.join(dataDir, 'postgres');
  const mark = path.join(dataDir, 'postgres.unfinished');
  if (existsSync(mark)) await rm(folder, { recursive: true, force: true });
  if (existsSync(folder)) return start(folder);
  await writeFile(mark, '');
  const server = await start(folder);
  await rm(mark);
  return server;
}

/** Every connection is the same backend: a new one must not find what a broken one left behind. */
async function resetSession(client: pg.ClientBase): Promise<void> {
  await client.query('ROLLBACK');
  await client.query('DISCARD ALL');
}
