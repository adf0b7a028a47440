import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type AgentEventView,
  calls,
  decide,
  RUN_EVENTS,
  rawId,
  readRun,
  runAgent,
  runWhen,
} from './support/agent-operations.ts';
import { type CrashFixture, startCrashFixture } from './support/crash-fixture.ts';
import type { ServerProcess } from './support/server-process.ts';

let fixture: CrashFixture;
let survivor: ServerProcess;
beforeAll(async () => {
  fixture = await startCrashFixture();
  survivor = await fixture.start();
}, 60_000);
afterAll(async () => fixture[Symbol.asyncDispose]());

async function startHeld(server: ServerProcess, tool: string, message: string): Promise<string> {
  fixture.world.script(tool, 'hold');
  const { id } = await runAgent(server, message);
  await fixture.world.waitFor(tool, rawId(id));
  return id;
}

test('another server takes over what a killed one did, and its readers read on', async () => {
  const { world } = fixture;
  const doomed = await fixture.start();
  const single = `${calls(['charge', { amount: 1 }])} [demo:reply paid]`;
  const again = `${calls(['note', { text: 'a' }])} [demo:reply noted]`;
  const charged = await startHeld(doomed, 'charge', single);
  const noted = await startHeld(doomed, 'note', again);
  const stream = survivor.subscribe<AgentEventView>(RUN_EVENTS, { id: noted });
  expect((await stream.take()).__typename).toBe('RunStarted');
  await doomed.kill();
  world.release();
  const done = await runWhen(survivor, charged, 'SUCCEEDED');
  expect(done.turns[0]?.toolCalls[0]).toMatchObject({ isError: true, attempts: 1 });
  expect(await world.waitFor('charge', rawId(charged))).toHaveLength(1);
  expect((await stream.rest()).at(-1)?.__typename).toBe('RunFinished');
  const effects = await world.waitFor('note', rawId(noted), 2);
  expect(new Set(effects.map(({ key }) => key)).size).toBe(1);
});

test('a frozen server that wakes up is fenced: its late writes are refused', async () => {
  const { world, demo } = fixture;
  const frozen = await fixture.start();
  const script = `${calls(['charge', { amount: 2 }])}[demo:next]${calls(['charge', { amount: 3 }])}`;
  const id = await startHeld(frozen, 'charge', `${script} [demo:reply over] frozen`);
  const inModel = await runAgent(frozen, '[demo:gate 2] [demo:words 5] frozen while speaking');
  await demo.waitForGatedCalls(1);
  const stream = survivor.subscribe<AgentEventView>(RUN_EVENTS, { id: inModel.id });
  while ((await stream.take()).__typename !== 'TextDelta');
  frozen.signal('SIGSTOP');
  const done = await runWhen(survivor, id, 'SUCCEEDED');
  await demo.waitForGatedCalls(2, 15_000);
  // It wakes up with the tool's answer and the model's words waiting for it.
  world.release();
  demo.release();
  frozen.signal('SIGCONT');
  const spoken = await runWhen(survivor, inModel.id, 'SUCCEEDED');
  await expect.poll(() => demo.openCalls).toBe(0);
  await expect.poll(() => readRun(frozen, id), { timeout: 10_000 }).toEqual(done);
  const events = await stream.rest();
  const restart = events.findIndex(({ __typename }) => __typename === 'TurnRestarted');
  expect(
    events
      .slice(restart)
      .map(({ text = '' }) => text)
      .join(''),
  ).toBe(spoken.text);
  const charges = await world.waitFor('charge', rawId(id), 2);
  expect(charges.map(({ input }) => input['amount'])).toEqual([2, 3]);
  expect(done.turns.map(({ toolCalls }) => toolCalls[0]?.isError)).toEqual([
    true,
    false,
    undefined,
  ]);
});

test('a decision made on one server resumes a run that another one asked for', async () => {
  const asking = await fixture.start();
  const message = `${calls(['publish', { title: 'Elsewhere' }])} [demo:reply published]`;
  const run = await runAgent(asking, message, { wait: true });
  expect(run.status).toBe('WAITING_FOR_APPROVAL');
  await asking.kill();
  await decide(survivor, { approvalId: run.approvals[0]!.id, approve: true });
  await runWhen(survivor, run.id, 'SUCCEEDED');
  expect(await fixture.world.waitFor('publish', rawId(run.id))).toHaveLength(1);
});

test('a question is pushed to admins on every server', async () => {
  const stream = survivor.subscribe<{ runId: string }>(
    'subscription { approvalRequested { runId } }',
  );
  const next = stream.take();
  const asking = await fixture.start();
  const run = await runAgent(asking, calls(['publish', { title: 'Pushed' }]), { wait: true });
  expect(await next).toEqual({ runId: run.id });
  stream.stop();
});
