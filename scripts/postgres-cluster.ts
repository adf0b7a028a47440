import { chown, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { exists, isRoot, postgresRoot, runPostgresProgram } from './postgres-programs.ts';
import { postgresUser } from './unpack-postgres.ts';

/** Nothing in a cluster outlives the tests, so nothing is written safely from a crash of the machine. */
const unsafe = { fsync: 'off', full_page_writes: 'off' };

export interface ClusterOptions {
  /** Its data's folder, by name: made when it is missing. */
  folder: string;
  port: number;
  /** More of PostgreSQL's settings, or other ones. */
  settings?: Record<string, string>;
}

/** How PostgreSQL ends: `fast` cuts its connections in good order, `immediate` is its own crash. */
export type StopMode = 'fast' | 'immediate';

/** A PostgreSQL on loopback that trusts every connection. A failed step rejects with the path of its log. */
export interface PostgresCluster {
  url: string;
  start(): Promise<void>;
  restart(mode: StopMode): Promise<void>;
  stop(mode: StopMode): Promise<void>;
  /** Removes the data of one that is stopped. */
  remove(): Promise<void>;
}

export function postgresCluster({ folder, port, settings }: ClusterOptions): PostgresCluster {
  const files = path.join(postgresRoot, folder);
  const control = (...options: string[]): Promise<void> =>
    runPostgresProgram('pg_ctl', ['-D', `/${folder}`, '-w', ...options]);
  const log = ['-l', `/${folder}/log`];
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    async start() {
      if (!(await exists(path.join(files, 'PG_VERSION')))) await initialize(folder, files);
      const all = { ...placement(port), ...unsafe, ...settings };
      const options = Object.entries(all).map(([name, value]) => `-c ${name}=${value}`);
      await control(...log, '-o', options.join(' '), 'start');
    },
    restart: (mode) => control(...log, '-m', mode, 'restart'),
    stop: (mode) => control('-m', mode, 'stop'),
    remove: () => rm(files, { recursive: true, force: true }),
  };
}

const placement = (port: number) => ({
  listen_addresses: '127.0.0.1',
  port: String(port),
  unix_socket_directories: '/tmp',
  // The folder may have no /dev/shm.
  dynamic_shared_memory_type: 'mmap',
});

async function initialize(folder: string, files: string): Promise<void> {
  await mkdir(files, { recursive: true });
  if (isRoot) {
    await chown(files, postgresUser, postgresUser);
    await chown(path.join(postgresRoot, 'tmp'), postgresUser, postgresUser);
  }
  const options = ['-D', `/${folder}`, '-U', 'postgres', '-A', 'trust', '--no-sync'];
  await runPostgresProgram('initdb', options);
}
