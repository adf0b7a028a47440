import { spawn } from 'node:child_process';
import { access, chmod, chown } from 'node:fs/promises';
import { connect } from 'node:net';
import { homedir } from 'node:os';
import path from 'node:path';
import { postgresUser, unpackPostgres } from './unpack-postgres.ts';

const port = 54_317;
const binaries = '/usr/lib/postgresql/17/bin';
const debianKeyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
const root = path.join(
  process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'),
  'tessera-postgres',
);

/** Nothing in it outlives the tests, so nothing is written safely. */
const settings = {
  listen_addresses: '127.0.0.1',
  port: String(port),
  unix_socket_directories: '/tmp',
  // The folder may have no /dev/shm.
  dynamic_shared_memory_type: 'mmap',
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: '300',
};

export const testServerUrl = `postgres://postgres@127.0.0.1:${port}/postgres`;

/**
 * Starts the server, made first when it is missing: from Debian's packages in `~/.cache/tessera-postgres`, about half a
 * minute and 440 MB. Resolves with whether it had to be started. Rejects with what to do where it can't be made.
 */
export async function startTestServer(): Promise<boolean> {
  if (await answers()) return false;
  if (!(await exists(path.join(root, binaries, 'postgres')))) await makeServer();
  if (!(await exists(path.join(root, 'data/PG_VERSION')))) {
    if (isRoot) {
      for (const name of ['data', 'tmp']) {
        await chown(path.join(root, name), postgresUser, postgresUser);
      }
    }
    await inside('initdb', ['-D', '/data', '-U', 'postgres', '-A', 'trust', '--no-sync']);
  }
  const options = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`);
  const log = ['-l', '/data/log', '-o', options.join(' ')];
  await inside('pg_ctl', ['-D', '/data', '-w', ...log, 'start']);
  return true;
}

export async function stopTestServer(): Promise<void> {
  if (await answers()) await inside('pg_ctl', ['-D', '/data', '-w', '-m', 'immediate', 'stop']);
}

const isRoot = process.getuid?.() === 0;
const otherwise =
  'Set TEST_DATABASE_URL to a PostgreSQL 15 or newer with pgvector, as a role that may create databases, for example one from the image pgvector/pgvector:pg17.';

async function makeServer(): Promise<void> {
  if (!(await exists(debianKeyring)))
    throw new Error(`It can only be made on Debian. ${otherwise}`);
  console.log(`Making PostgreSQL 17 with pgvector in ${root}; this takes about half a minute.`);
  await unpackPostgres(root);
}

/**
 * Runs one of PostgreSQL's programs as a user of its own with the folder as its whole world: by chroot, or where only root
 * may do that, in a namespace. It refuses to run as root in either.
 */
async function inside(program: string, options: string[]): Promise<void> {
  const environment = ['env', '-i', 'LC_ALL=C.UTF-8', 'PATH=/usr/bin:/bin'];
  const command = [...environment, `${binaries}/${program}`, ...options];
  const code = isRoot ? await runInChroot(command) : await runInNamespace(command);
  if (code !== 0) throw new Error(`${program} failed; ${root}/data/log may say why. ${otherwise}`);
}

async function runInChroot(command: string[]): Promise<number> {
  const device = path.join(root, 'dev/null');
  if (!(await exists(device))) {
    await run('mknod', [device, 'c', '1', '3']);
    await chmod(device, 0o666);
  }
  return run('chroot', [`--userspec=${postgresUser}:${postgresUser}`, root, ...command]);
}

/** In the outer namespace we are root, to mount the devices; in the inner one PostgreSQL's user. */
function runInNamespace(command: string[]): Promise<number> {
  const inner = `exec unshare --user --map-user=${postgresUser} --map-group=${postgresUser} --root="$0" --wd=/ "$@"`;
  const script = `mount --rbind /dev "$0/dev" && ${inner}`;
  return run('unshare', [
    '--user',
    '--map-root-user',
    '--mount',
    'sh',
    '-c',
    script,
    root,
    ...command,
  ]);
}

/** The program's exit code. */
function run(program: string, options: string[]): Promise<number> {
  // Not pipes: the server would inherit them, and their end would never come.
  const child = spawn(program, options, { stdio: ['ignore', 'ignore', 'inherit'] });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

function answers(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.end(() => resolve(true)));
    socket.on('error', () => resolve(false));
  });
}

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );
