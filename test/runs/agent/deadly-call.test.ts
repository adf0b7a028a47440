import { expect, test } from 'vitest';
import { calls, rawId, runAgent, runWhen } from './support/agent-operations.ts';
import { crashServers } from './support/crash-servers.ts';
import { startAgentServer } from './support/start-agent-server.ts';

test('an idempotent call that ends every server that makes it is given up, and the run goes on', async () => {
  await using server = await startAgentServer({ environment: { SERVER_LEASE_MS: '1000' } });
  server.world.onEffect = () => crashServers(server.database);
  const { id } = await runAgent(server, `${calls(['note', { text: 'a' }])} [demo:reply ok]`);
  const run = await runWhen(server, id, 'SUCCEEDED');
  const effects = server.world.effects.filter(({ runId }) => runId === rawId(id));
  expect(effects.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5]);
  expect(run.turns[0]?.toolCalls[0]).toMatchObject({
    isError: true,
    attempts: 5,
    output: expect.stringMatching(/begun 5 times.*not known/),
  });
});
