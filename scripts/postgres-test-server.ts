import { connect } from 'node:net';
import { postgresCluster } from './postgres-cluster.ts';
import { exists, hasPostgres, postgresRoot } from './postgres-programs.ts';
import { unpackPostgres } from './unpack-postgres.ts';

const port = 54_317;
const debianKeyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
const settings = { synchronous_commit: 'off', max_connections: '300' };
const cluster = postgresCluster({ folder: 'data', port, settings });

export const testServerUrl = cluster.url;

/**
 * Starts the server, made first when it is missing: from Debian's packages in `~/.cache/tessera-postgres`, about half a
 * minute and 440 MB. Resolves with whether it had to be started. Rejects with what to do where it can't be made.
 */
export async function startTestServer(): Promise<boolean> {
  if (await answers()) return false;
  if (!(await hasPostgres())) await makeServer();
  await cluster.start().catch((error: Error) => {
    throw new Error(`${error.message} ${otherwise}`, { cause: error });
  });
  return true;
}

export async function stopTestServer(): Promise<void> {
  if (await answers()) await cluster.stop('immediate');
}

const otherwise =
  'Set TEST_DATABASE_URL to a PostgreSQL 15 or newer with pgvector, as a role that may create databases, for example one from the image pgvector/pgvector:pg17.';

async function makeServer(): Promise<void> {
  if (!(await exists(debianKeyring)))
    throw new Error(`It can only be made on Debian. ${otherwise}`);
  console.log(`Making PostgreSQL 17 with pgvector in ${postgresRoot}; this takes half a minute.`);
  await unpackPostgres(postgresRoot);
}

function answers(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.end(() => resolve(true)));
    socket.on('error', () => resolve(false));
  });
}
