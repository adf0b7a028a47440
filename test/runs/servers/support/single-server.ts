import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type DemoModel, startDemoModel } from '../../../../src/demo-model/demo-model-server.ts';
import { fillDataFolder } from '../../../support/embedded-template.ts';
import { createServerDatabase } from '../../../support/server-template.ts';
import { adminKey } from './admin-key.ts';
import { clientOf, type ServerClient } from './server-client.ts';
import { type ServerProcess, startServerProcess } from './server-process.ts';

export interface SingleServer extends ServerProcess {
  client: ServerClient;
  demo: DemoModel;
  /** Starts the server anew on the same database, after it has ended. */
  again(): Promise<ServerProcess & { client: ServerClient }>;
}

/** One server process on the database that the tests run on, embedded or a server's, and the model that it calls. */
export async function startSingleServer(
  environment: Record<string, string> = {},
): Promise<SingleServer> {
  const serverUrl = process.env['TEST_DATABASE_URL'];
  const database = serverUrl ? await onServer(serverUrl) : await inFolder();
  const demo = await startDemoModel();
  const started: ServerProcess[] = [];
  const start = async () => {
    const server = await startServerProcess({
      ANTHROPIC_API_KEY: 'test',
      ANTHROPIC_BASE_URL: demo.url,
      TESSERA_ADMIN_KEY: adminKey,
      ...database.environment,
      ...environment,
    });
    started.push(server);
    return { ...server, client: clientOf(server.url, adminKey) };
  };
  const dispose = async (): Promise<void> => {
    for (const server of started) await server[Symbol.asyncDispose]();
    await demo.close();
    await database.drop();
  };
  try {
    return { ...(await start()), demo, again: start, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

interface OwnDatabase {
  environment: Record<string, string>;
  drop(): Promise<void>;
}

async function onServer(serverUrl: string): Promise<OwnDatabase> {
  const { url, drop } = await createServerDatabase(serverUrl);
  return { environment: { DATABASE_URL: url }, drop };
}

async function inFolder(): Promise<OwnDatabase> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tessera-test-'));
  await fillDataFolder(folder);
  return {
    environment: { DATA_DIR: folder },
    drop: () => rm(folder, { recursive: true, force: true }),
  };
}
