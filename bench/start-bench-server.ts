import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type ApiClient, createApiClient } from '../src/cli/create-api-client.ts';
import { readConfig } from '../src/config.ts';
import { startServer } from '../src/server/start-server.ts';
import { benchLog as log } from './bench-log.ts';

const adminKey = 'the-key-of-the-benchmark';

/** A whole server on an embedded database of its own, or on the one of DATABASE_URL, with a client of its API. */
export async function startBenchServer(): Promise<{
  client: ApiClient;
  stop(): Promise<void>;
}> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'tessera-bench-'));
  const { DATABASE_URL: url } = process.env;
  const config = readConfig({
    PORT: '0',
    DATA_DIR: dataDir,
    TESSERA_ADMIN_KEY: adminKey,
    RATE_LIMIT: 'off',
    ...(url ? { DATABASE_URL: url } : {}),
  });
  const server = await startServer(config, { log });
  const signal = new AbortController().signal;
  const client = createApiClient({ url: server.url, key: adminKey, signal, onWait: console.error });
  const stop = async (): Promise<void> => {
    await server.stop();
    await rm(dataDir, { recursive: true });
  };
  return { client, stop };
}
