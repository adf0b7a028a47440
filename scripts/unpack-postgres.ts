import { execFile } from 'node:child_process';
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const aptSources = '/etc/apt/sources.list.d/debian.sources';
const mirror = 'http://deb.debian.org/debian';
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Packages that `initdb` needs and no dependency names. */
const packages = ['postgresql-17-pgvector', 'dash', 'coreutils'];

/** The user that PostgreSQL runs as, inside of the folder. */
export const postgresUser = 999;

/**
 * Unpacks PostgreSQL 17 with pgvector, and all that it needs down to the C library, from Debian's packages into a folder
 * that can be a process's root. Needs no privileges and leaves the machine's own packages alone. Rejects where there is
 * no apt.
 */
export async function unpackPostgres(root: string): Promise<void> {
  await mkdir(path.dirname(root), { recursive: true });
  const work = await mkdtemp(`${root}-`);
  try {
    const archives = await download(path.join(work, 'apt'));
    const draft = path.join(work, 'root');
    await mkdir(path.join(draft, 'usr'), { recursive: true });
    for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
      await mkdir(path.join(draft, 'usr', name));
      await symlink(path.join('usr', name), path.join(draft, name));
    }
    for (const archive of archives) await run('dpkg-deb', ['--extract', archive, draft]);
    for (const name of ['dev', 'data', 'tmp'])
      await mkdir(path.join(draft, name), { recursive: true });
    await writeFile(
      path.join(draft, 'etc/passwd'),
      `postgres:x:${postgresUser}:${postgresUser}::/tmp:/bin/sh\n`,
    );
    await rm(root, { recursive: true, force: true });
    await rename(draft, root);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The packages' archives, fetched by an apt that knows nothing of this machine: so every dependency is among them. */
async function download(folder: string): Promise<string[]> {
  const archives = path.join(folder, 'archives');
  await mkdir(path.join(archives, 'partial'), { recursive: true });
  await mkdir(path.join(folder, 'lists/partial'), { recursive: true });
  // The machine's own mirror, where it names one in the newer format.
  const sources = await readFile(aptSources, 'utf8').catch(() => '');
  const from = /^URIs:\s*(\S+)/m.exec(sources)?.[1] ?? mirror;
  const list = path.join(folder, 'sources.list');
  await writeFile(list, `deb [signed-by=${keyring}] ${from} trixie main\n`);
  await writeFile(path.join(folder, 'status'), '');
  const settings = Object.entries({
    'Dir::Etc::SourceList': list,
    'Dir::Etc::SourceParts': '-',
    'Dir::Etc::Preferences': '-',
    'Dir::Etc::PreferencesParts': '-',
    'Dir::State': folder,
    'Dir::State::Lists': path.join(folder, 'lists'),
    'Dir::State::Status': path.join(folder, 'status'),
    'Dir::Cache': folder,
    'Dir::Cache::Archives': archives,
    'APT::Sandbox::User': '',
    'APT::Install-Recommends': 'false',
    'Acquire::Languages': 'none',
    'Debug::NoLocking': 'true',
  }).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  await run('apt-get', [...settings, '--quiet=2', 'update']);
  await run(
    'apt-get',
    [...settings, '--quiet=2', '--yes', '--download-only', 'install', ...packages],
    {
      maxBuffer: 16 * 1024 * 1024,
    },
  );
  const names = await readdir(archives);
  return names.filter((name) => name.endsWith('.deb')).map((name) => path.join(archives, name));
}
