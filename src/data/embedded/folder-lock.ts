import { createHash } from 'node:crypto';
import { readFile, readlink, realpath, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const refreshMs = 3_000;
/** A mark that was not refreshed for so long was left behind. */
const staleAfterMs = 5 * refreshMs;
/** A younger one is watched for two refreshes, and some delay of them. */
const watchMs = 2 * refreshMs + 1_000;
const lookEveryMs = 200;

interface Owner {
  pid: number;
  host: string;
  place?: Place | undefined;
}

/** Linux: containers of one machine share its boot, but may have process ids and abstract sockets of their own. */
interface Place {
  boot: string;
  processes: string;
  network: string;
}

export interface FolderLock {
  release(): Promise<void>;
}

/**
 * Reserves an existing folder for this process until `release` or its death, however sudden. Rejects with one line that
 * names the holder. On Linux the kernel keeps the lock (an abstract socket), elsewhere a file names a living process; a
 * process in another container or on another machine, which shares neither, is known by its refreshing the file. Only
 * where such a one was killed less than 15 s ago does this take longer: 7 s.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const real = await realpath(folder);
  const file = path.join(real, 'owner.json');
  const releaseSocket = process.platform === 'linux' ? await holdSocket(real) : undefined;
  const [owner, place] = await Promise.all([readOwner(file), readPlace()]);
  if (releaseSocket === null || (owner && (await isAlive(owner, { file, place })))) {
    await releaseSocket?.();
    throw new Error(refusal(real, owner));
  }
  const self: Owner = { pid: process.pid, host: hostname(), place };
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

async function readPlace(): Promise<Place | undefined> {
  try {
    const [boot, processes, network] = await Promise.all([
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
      readlink('/proc/self/ns/pid'),
      readlink('/proc/self/ns/net'),
    ]);
    return { boot: boot.trim(), processes, network };
  } catch {
    return undefined;
  }
}

/** Asked when we hold the socket, where there is one. */
async function isAlive(
  owner: Owner,
  { file, place }: { file: string; place: Place | undefined },
): Promise<boolean> {
  if (process.platform !== 'linux' && owner.host === hostname()) return exists(owner.pid);
  if (place && owner.place?.boot === place.boot) {
    // It would hold the socket.
    if (owner.place.network === place.network) return false;
    if (owner.place.processes === place.processes && !exists(owner.pid)) return false;
  }
  return isRefreshed(file);
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Does somebody refresh the file? */
async function isRefreshed(file: string): Promise<boolean> {
  const first = await lastRefresh(file);
  if (first === undefined || Date.now() - first > staleAfterMs) return false;
  for (let waitedMs = 0; waitedMs < watchMs; waitedMs += lookEveryMs) {
    await delay(lookEveryMs);
    const latest = await lastRefresh(file);
    if (latest !== first) return latest !== undefined;
  }
  return false;
}

/** Undefined when the file is gone: its owner has let go. */
async function lastRefresh(file: string): Promise<number | undefined> {
  return (await stat(file).catch(() => undefined))?.mtimeMs;
}

function refusal(folder: string, owner: Owner | undefined): string {
  const holder = owner ? `process ${owner.pid} on ${owner.host}` : 'another process';
  return `The data folder ${folder} is in use by ${holder}: stop it, or set DATA_DIR to another folder, or DATABASE_URL to a Postgres that several servers share.`;
}
