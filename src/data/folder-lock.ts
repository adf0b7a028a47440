import { createHash } from 'node:crypto';
import { readFile, realpath, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import path from 'node:path';

/** Seconds after which the mark of a process on another host (or in another container) counts as left behind. */
const staleAfterSeconds = 15;
const refreshMs = 3_000;

interface Owner {
  pid: number;
  host: string;
}

export interface FolderLock {
  release(): Promise<void>;
}

/**
 * Reserves an existing folder for this process until `release` or its death, however sudden. Rejects with one line that
 * names the holder. On Linux the kernel keeps the lock (an abstract socket), elsewhere a file names a living process; a
 * process in another container, which shares neither, is known by how fresh its file is.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const real = await realpath(folder);
  const file = path.join(real, 'owner.json');
  const releaseSocket = process.platform === 'linux' ? await holdSocket(real) : undefined;
  const owner = await readOwner(file);
  if (releaseSocket === null || (owner && (await isAlive(owner, file)))) {
    await releaseSocket?.();
    throw new Error(refusal(real, owner));
  }
  const self: Owner = { pid: process.pid, host: hostname() };
  await rm(file, { force: true });
  // Exclusively: where there is no socket, of two that start at once one must fail.
  await writeFile(file, JSON.stringify(self), { flag: 'wx' });
  const refresh = setInterval(() => {
    const now = new Date();
    // A folder that has gone away is the database's to complain of.
    utimes(file, now, now).catch(() => undefined);
  }, refreshMs);
  refresh.unref();
  return {
    async release() {
      clearInterval(refresh);
      await rm(file, { force: true });
      await releaseSocket?.();
    },
  };
}

/** The function that lets go of it, or null when another process of this machine holds it. */
function holdSocket(folder: string): Promise<(() => Promise<void>) | null> {
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 32);
  const server = createServer((connection) => connection.destroy()).unref();
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(null) : reject(error),
    );
    server.listen(`\0tessera-${name}`, () =>
      resolve(() => new Promise((closed) => server.close(() => closed()))),
    );
  });
}

async function readOwner(file: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Owner;
  } catch {
    return undefined;
  }
}

async function isAlive(owner: Owner, file: string): Promise<boolean> {
  if (owner.host !== hostname()) {
    const { mtimeMs } = await stat(file);
    return Date.now() - mtimeMs < staleAfterSeconds * 1_000;
  }
  // Where the kernel keeps the lock we hold it by now: the file was left behind.
  if (process.platform === 'linux') return false;
  try {
    process.kill(owner.pid, 0);
    return true;
  } catch {
    return false;
  }
}

function refusal(folder: string, owner: Owner | undefined): string {
  const holder = owner ? `process ${owner.pid} on ${owner.host}` : 'another process';
  return `The data folder ${folder} is in use by ${holder}: stop it, or set DATA_DIR to another folder, or DATABASE_URL to a Postgres that several servers share.`;
}
