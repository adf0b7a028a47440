import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type DemoModel, startDemoModel } from '../../../../src/demo-model/demo-model-server.ts';
import { fillDataFolder } from '../../../support/embedded-template.ts';
import { createServerDatabase } from '../../../support/server-template.ts';
import { type ServerProcess, startServerProcess } from './server-process.ts';
import { startWorld, type World } from './world.ts';

/** What outlives the servers of a test: the model, the world, the database. */
export interface CrashFixture extends AsyncDisposable {
  demo: DemoModel;
  world: World;
  /** Another server of the deployment, or the same after a crash. */
  start(): Promise<ServerProcess>;
}

/** On the server of TEST_DATABASE_URL, else on an embedded database in a folder. */
export async function startCrashFixture(leaseMs = 1_000): Promise<CrashFixture> {
  const demo = await startDemoModel();
  const world = await startWorld();
  const database = await openDatabaseFolder();
  const servers: ServerProcess[] = [];
  return {
    demo,
    world,
    async start() {
      const server = await startServerProcess({
        ...database.environment,
        ANTHROPIC_BASE_URL: demo.url,
        WORLD_URL: world.url,
        SERVER_LEASE_MS: String(leaseMs),
      });
      servers.push(server);
      return server;
    },
    async [Symbol.asyncDispose]() {
      for (const server of servers) await server[Symbol.asyncDispose]();
      await demo.close();
      await world[Symbol.asyncDispose]();
      await database.remove();
    },
  };
}

async function openDatabaseFolder() {
  const serverUrl = process.env['TEST_DATABASE_URL'];
  if (serverUrl) {
    const { url, drop } = await createServerDatabase(serverUrl);
    return { environment: { DATABASE_URL: url, DATABASE_POOL_SIZE: '5' }, remove: drop };
  }
  const folder = await mkdtemp(path.join(tmpdir(), 'tessera-crash-'));
  await fillDataFolder(folder);
  const remove = () => rm(folder, { recursive: true, force: true });
  return { environment: { DATA_DIR: folder }, remove };
}
