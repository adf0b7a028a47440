import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  AGENT_EVENTS,
  type AgentEventView,
  type AgentRunView,
  calls,
  decide,
  RUN_EVENTS,
  rawId,
  runAgent,
  runWhen,
} from './support/agent-operations.ts';
import { type CrashFixture, startCrashFixture } from './support/crash-fixture.ts';
import type { ServerProcess } from './support/server-process.ts';

let fixture: CrashFixture;
let server: ServerProcess;
const runs: Record<string, string> = {};

/** How often the model was asked about this, by turn: the number of messages that were sent. */
function asked(topic: string): number[] {
  return fixture.demo.requests
    .filter(({ body }) => JSON.stringify(body?.messages[0]).includes(topic))
    .map(({ body }) => body!.messages.length);
}

async function startHeld(name: string, tool: string, message: string): Promise<void> {
  fixture.world.script(tool, 'hold');
  const { id } = await runAgent(server, message);
  runs[name] = id;
  await fixture.world.waitFor(tool, rawId(id));
}

async function finished(name: string): Promise<AgentRunView> {
  return runWhen(server, runs[name]!, 'SUCCEEDED');
}

/** One server in the middle of everything; then SIGKILL, and another in its place. */
beforeAll(async () => {
  fixture = await startCrashFixture();
  server = await fixture.start();
  const { demo, world } = fixture;

  const words = '[demo:gate 3] [demo:words 12] in the model call';
  const stream = server.subscribe<AgentEventView>(AGENT_EVENTS, {
    input: { agent: 'clerk', message: words, options: { onDisconnect: 'CONTINUE' } },
  });
  runs['model'] = (await stream.take()).runId;
  await stream.take();
  await demo.waitForGatedCalls(1);

  const charged = calls(['charge', { amount: 7 }]);
  await startHeld('between', 'pause', `${charged} [demo:reply done] [pause between calls]`);
  await startHeld('idempotent', 'note', `${calls(['note', { text: 'a' }])} [demo:reply noted]`);
  await startHeld(
    'single',
    'charge',
    `${calls(['charge', { amount: 1 }])} [demo:reply paid] single`,
  );
  const both = calls(['charge', { amount: 2 }], ['note', { text: 'b' }]);
  world.script('note', { output: { ok: true } });
  await startHeld('parallel', 'charge', `${both} [demo:reply both] parallel`);
  await world.waitFor('note', rawId(runs['parallel']!));
  const publishing = `${calls(['publish', { title: 'News' }])} [demo:reply published] approval`;
  runs['approval'] = (await runAgent(server, publishing, { wait: true })).id;

  world.script('charge', 'hold');
  const order = `${calls(['charge', { amount: 3 }])} [demo:reply helped]`;
  const nested = `${calls(['helper', { message: order }])} [demo:reply all done] nested`;
  runs['nested'] = (await runAgent(server, nested)).id;
  await world.waitFor('charge', ({ input }) => input['amount'] === 3);

  await server.kill();
  world.release();
  demo.release();
  server = await fixture.start();
}, 60_000);
afterAll(async () => fixture[Symbol.asyncDispose]());

test('a turn that was being said is taken anew, and readers are told', async () => {
  await fixture.demo.waitForGatedCalls(1, 15_000);
  fixture.demo.release();
  const run = await finished('model');
  expect(asked('in the model call')).toEqual([1, 1]);
  const events = await server.subscribe<AgentEventView>(RUN_EVENTS, { id: run.id }).rest();
  const types = events.map(({ __typename }) => __typename);
  const restart = types.indexOf('TurnRestarted');
  expect(types[0]).toBe('RunStarted');
  expect(types.slice(1, restart)).toContain('TextDelta');
  expect(types.slice(-2)).toEqual(['TurnFinished', 'RunFinished']);
  const told = events.slice(restart).map(({ text = '' }) => text);
  expect(told.join('')).toBe(run.text);
});

test('between two calls nothing is lost and nothing done again', async () => {
  const run = await finished('between');
  expect(run.turns).toHaveLength(2);
  expect(fixture.world.effects.filter(({ input }) => input?.['amount'] === 7)).toHaveLength(1);
  expect(asked('pause between calls')).toEqual([1, 3]);
});

test('an idempotent tool repeats under the same key', async () => {
  const run = await finished('idempotent');
  const effects = await fixture.world.waitFor('note', rawId(run.id), 2);
  expect(effects.map(({ attempt }) => attempt)).toEqual([1, 2]);
  expect(new Set(effects.map(({ key }) => key)).size).toBe(1);
  expect(run.turns[0]?.toolCalls[0]).toMatchObject({ isError: false, attempts: 2 });
});

test('a tool that is not idempotent is never repeated: the model is told that the outcome is unknown', async () => {
  const run = await finished('single');
  expect(await fixture.world.waitFor('charge', rawId(run.id))).toHaveLength(1);
  const [call] = run.turns[0]!.toolCalls;
  expect(call).toMatchObject({ isError: true, attempts: 1 });
  expect(call?.output).toContain('is not known');
  const last = fixture.demo.requests.findLast(({ body }) =>
    JSON.stringify(body).includes('single'),
  );
  expect(JSON.stringify(last?.body?.messages.at(-1))).toContain('is not known');
});

test('of parallel calls the finished one keeps its result', async () => {
  const run = await finished('parallel');
  const [charge, note] = run.turns[0]!.toolCalls;
  expect([charge?.isError, note?.isError]).toEqual([true, false]);
  expect(await fixture.world.waitFor('note', rawId(run.id))).toHaveLength(1);
});

test('a run that waits for a person survives its server, and does what was approved once', async () => {
  const waiting = await runWhen(server, runs['approval']!, 'WAITING_FOR_APPROVAL');
  await decide(server, { approvalId: waiting.approvals[0]!.id, approve: true });
  const run = await finished('approval');
  expect(await fixture.world.waitFor('publish', rawId(run.id))).toHaveLength(1);
  expect(asked('approval')).toEqual([1, 3]);
});

test('a sub-agent is joined, not begun again', async () => {
  const run = await finished('nested');
  expect(run.turns[0]?.toolCalls[0]).toMatchObject({ tool: 'helper', isError: false });
  const charges = fixture.world.effects.filter(({ input }) => input?.['amount'] === 3);
  expect(charges).toHaveLength(1);
  expect(charges[0]?.runId).not.toBe(rawId(run.id));
});
