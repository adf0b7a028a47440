import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { unpackTar } from 'modern-tar/fs';
import { moduleBeside } from '../../kernel/module-beside.ts';
import { syncDirectory, syncFolder } from './sync-folder.ts';

const unfinished = 'postgres.unfinished';

/**
 * The folder of the database's files inside of `dataDir`, made when it is not there: from a dump, or new.
 *
 * It gets its name when it is whole and on the disk. Nothing of a start that was killed half-way is ever opened, since
 * PGlite never opens such files again; the next start removes them.
 */
export async function prepareFolder(dataDir: string, dump?: Blob): Promise<string> {
  const folder = path.join(dataDir, 'postgres');
  await removeUnfinished(dataDir, folder);
  if (existsSync(folder)) return folder;
  const draft = await mkdtemp(path.join(dataDir, `${unfinished}-`));
  if (dump) await unpackDump(dump, draft);
  else await makeDatabase(draft);
  await syncFolder(draft);
  await rename(draft, folder);
  syncDirectory(dataDir);
  syncDirectory(path.dirname(path.resolve(dataDir)));
  return folder;
}

async function removeUnfinished(dataDir: string, folder: string): Promise<void> {
  const names = (await readdir(dataDir)).filter((name) => name.startsWith(unfinished));
  for (const name of names) {
    const left = path.join(dataDir, name);
    // Versions before 0.2 made the folder in place, with a file of this name beside it meanwhile.
    if ((await stat(left)).isFile()) await rm(folder, { recursive: true, force: true });
    await rm(left, { recursive: true, force: true });
  }
}

async function unpackDump(dump: Blob, folder: string): Promise<void> {
  const relative = (name: string): string => name.replace(/^\/+/, '');
  const files = unpackTar(folder, {
    map: (header) => ({ ...header, name: relative(header.name) }),
    fmode: 0o600,
    dmode: 0o700,
  });
  await pipeline(Readable.from(dump.stream()), files);
}

/**
 * In a process of its own: making the files takes two databases in memory, 1.1 GB at the peak. In this process 350 MB of
 * that stayed for as long as it ran, in a thread of it 170 MB.
 */
async function makeDatabase(folder: string): Promise<void> {
  const program = fileURLToPath(moduleBeside(import.meta.url, 'make-database'));
  try {
    await promisify(execFile)(process.execPath, [program, folder]);
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    const reason = stderr.trim().split('\n').at(-1) || message.split('\n', 1)[0];
    throw new Error(`The embedded database can't be made in ${folder}: ${reason}`);
  }
}
