import { spawn } from 'node:child_process';
import { access, chmod } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { postgresUser } from './unpack-postgres.ts';

const binaries = '/usr/lib/postgresql/17/bin';

/** Where PostgreSQL is unpacked, with all that it needs: to its programs it is the whole world. */
export const postgresRoot = path.join(
  process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'),
  'tessera-postgres',
);

export const isRoot = process.getuid?.() === 0;

export const hasPostgres = (): Promise<boolean> =>
  exists(path.join(postgresRoot, binaries, 'postgres'));

/**
 * Runs one of PostgreSQL's programs as a user of its own in its folder: by chroot, or where only root may do that, in a
 * namespace. It refuses to run as root in either. Rejects when the program fails.
 */
export async function runPostgresProgram(program: string, options: string[]): Promise<void> {
  const environment = ['env', '-i', 'LC_ALL=C.UTF-8', 'PATH=/usr/bin:/bin'];
  const command = [...environment, `${binaries}/${program}`, ...options];
  const code = isRoot ? await runInChroot(command) : await runInNamespace(command);
  if (code !== 0) throw new Error(`${program} failed; a log in ${postgresRoot} may say why.`);
}

async function runInChroot(command: string[]): Promise<number> {
  const device = path.join(postgresRoot, 'dev/null');
  if (!(await exists(device))) {
    await run('mknod', [device, 'c', '1', '3']);
    await chmod(device, 0o666);
  }
  return run('chroot', [`--userspec=${postgresUser}:${postgresUser}`, postgresRoot, ...command]);
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
    postgresRoot,
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

export const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );
