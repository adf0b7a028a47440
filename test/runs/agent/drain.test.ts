import { expect, test } from 'vitest';
import { openTestDatabase } from '../../support/test-database.ts';
import { calls, rawId, runAgent, runWhen } from './support/agent-operations.ts';
import { startAgentServer } from './support/start-agent-server.ts';

test('a server that is stopped hands its agents over: they go on, and none of them fails', async () => {
  const database = await openTestDatabase();
  const shared = { database: { ...database, close: async () => undefined } };
  const leaving = await startAgentServer(shared);
  const { world } = leaving;
  world.script('note', 'hold');
  const inTool = await runAgent(leaving, `${calls(['note', { text: 'a' }])} [demo:reply noted]`);
  await world.waitFor('note', rawId(inTool.id));
  const inModel = await runAgent(leaving, '[demo:gate 2] [demo:words 5]', {
    options: { onDisconnect: 'CONTINUE' },
  });
  await leaving.demo.waitForGatedCalls(1);
  const inChild = await runAgent(
    leaving,
    `${calls(['helper', { message: '[demo:gate 0] [demo:reply helped]' }])} [demo:reply done]`,
  );
  await leaving.demo.waitForGatedCalls(2);
  await leaving.running.stop(50);

  const next = await startAgentServer(shared);
  await next.demo.waitForGatedCalls(2);
  next.demo.release();
  const run = await runWhen(next, inTool.id, 'SUCCEEDED');
  expect(run.turns[0]?.toolCalls[0]).toMatchObject({ isError: false, attempts: 2 });
  await runWhen(next, inModel.id, 'SUCCEEDED');
  const done = await runWhen(next, inChild.id, 'SUCCEEDED');
  expect(done.turns[0]?.toolCalls[0]).toMatchObject({ isError: false, output: 'helped' });

  await next[Symbol.asyncDispose]();
  await leaving.demo.close();
  await world[Symbol.asyncDispose]();
  await database.close();
});
