import type { Database } from '../../../../src/data/database.ts';
import { startTestServer, type TestServer } from '../../../support/start-test-server.ts';
import { startWorld, type World } from './world.ts';

export interface AgentServer extends TestServer {
  world: World;
}

/** A whole server in this process with the fixture's agents, and the world that their tools act upon. */
export async function startAgentServer(
  options: { environment?: Record<string, string>; database?: Database } = {},
): Promise<AgentServer> {
  const world = await startWorld();
  // Read by the fixture when the server loads it.
  process.env['WORLD_URL'] = world.url;
  const server = await startTestServer({
    ...options,
    environment: {
      TESSERA_CONFIG: 'test/runs/agent/fixtures/agents.config.ts',
      ...options.environment,
    },
  });
  return {
    ...server,
    world,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await world[Symbol.asyncDispose]();
    },
  };
}
