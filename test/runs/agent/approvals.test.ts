import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../../src/data/database.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import {
  type AgentEventView,
  type AgentRunView,
  CANCEL,
  calls,
  DECIDE,
  decide,
  PENDING,
  RUN_EVENTS,
  rawId,
  readRun,
  runAgent,
  runWhen,
} from './support/agent-operations.ts';
import { type AgentServer, startAgentServer } from './support/start-agent-server.ts';

/** What the next looks for waiting approvals fail with. */
const failures: Error[] = [];
let server: AgentServer;
beforeAll(async () => {
  const { query, ...database } = await openTestDatabase();
  const failing: Database['query'] = async (text, values) => {
    const failure = text.includes(`FROM "Approval" WHERE status = 'PENDING'`) && failures.shift();
    if (failure) throw failure;
    return query(text, values);
  };
  server = await startAgentServer({
    environment: { SERVER_LEASE_MS: '1000' },
    database: { ...database, query: failing },
  });
});
afterAll(async () => server[Symbol.asyncDispose]());

/** An agent that waits for a person to decide on these calls. */
async function asking(...made: [tool: string, input: object][]): Promise<AgentRunView> {
  const run = await runAgent(server, `${calls(...made)} [demo:reply ok]`, { wait: true });
  expect(run.status).toBe('WAITING_FOR_APPROVAL');
  return run;
}

const effectsOf = (run: AgentRunView) =>
  server.world.effects.filter(({ runId }) => runId === rawId(run.id));
const lastResult = () =>
  JSON.stringify(server.demo.requests.at(-1)!.body!.messages.at(-1)!.content);

test('a reader that joined while the run waited counts as its reader once it goes on', async () => {
  const run = await asking(['publish', { title: 'Read by one' }]);
  const stream = server.subscribe<AgentEventView>(RUN_EVENTS, { id: run.id });
  while ((await stream.take()).__typename !== 'ApprovalRequested');
  server.world.script('publish', 'hold');
  await decide(server, { approvalId: run.approvals[0]!.id, approve: true });
  await server.world.waitFor('publish', rawId(run.id));
  stream.stop();
  await runWhen(server, run.id, 'CANCELLED');
  server.world.release();
});

test('a call waits for a person, is made once approved, and both show', async () => {
  const run = await asking(['publish', { title: 'Big news' }]);
  expect(effectsOf(run)).toEqual([]);
  expect(run.approvals).toMatchObject([{ tool: 'publish', input: { title: 'Big news' } }]);
  const waiting = {
    tool: 'publish',
    output: null,
    isError: false,
    approval: { status: 'PENDING' },
  };
  expect(run.turns).toMatchObject([{ number: 1, toolCalls: [waiting] }]);
  const [approval] = run.approvals;
  const decided = await decide(server, { approvalId: approval!.id, approve: true });
  expect(decided).toMatchObject({ __typename: 'Approval', status: 'APPROVED', decidedBy: 'admin' });
  const done = await runWhen(server, run.id, 'SUCCEEDED');
  expect(effectsOf(run)).toHaveLength(1);
  const [call] = done.turns[0]!.toolCalls;
  expect(call?.approval).toEqual({ id: approval!.id, status: 'APPROVED' });
  const events = await server.subscribe<AgentEventView>(RUN_EVENTS, { id: run.id }).rest();
  expect(events.map(({ __typename }) => __typename)).toEqual([
    'RunStarted',
    'ToolCallStarted',
    'ApprovalRequested',
    'ApprovalDecided',
    'ToolCallFinished',
    'TurnFinished',
    'TextDelta',
    'TurnFinished',
    'RunFinished',
  ]);
});

test('a rule asks only where it must', async () => {
  const run = await runAgent(server, `${calls(['transfer', { amount: 10 }])} [demo:reply ok]`, {
    wait: true,
  });
  expect(run.status).toBe('SUCCEEDED');
  const asked = await asking(['transfer', { amount: 1_000 }], ['note', { text: 'beside' }]);
  expect(effectsOf(asked).map(({ tool }) => tool)).toEqual(['note']);
});

test('the owner or an admin decides, nobody else, and never the model', async () => {
  const [owner, other] = [await server.keyFor('owner'), await server.keyFor('other')];
  const message = `${calls(['publish', { title: 'Mine' }], ['decide_approval', {}])} [demo:reply ok]`;
  const mine = {
    data: <Data>(query: string, variables?: object) =>
      server.data<Data>(query, variables, { as: owner }),
  };
  const run = await runAgent(mine, message, { wait: true });
  const [approval] = run.approvals;
  const input = { approvalId: approval!.id, approve: true };
  const strangers = await server.data<{ decideApproval: object }>(DECIDE, { input }, { as: other });
  expect(strangers.decideApproval).toMatchObject({ __typename: 'NotFoundError' });
  const listed = await server.execute(PENDING, {}, { as: owner });
  expect(listed.errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN');
  const { approvals } = await server.data<{ approvals: { edges: { node: { id: string } }[] } }>(
    PENDING,
  );
  expect(approvals.edges.map(({ node }) => node.id)).toContain(approval!.id);
  expect((await readRun(server, run.id)).status).toBe('WAITING_FOR_APPROVAL');
  const own = await server.data<{ decideApproval: object }>(DECIDE, { input }, { as: owner });
  expect(own.decideApproval).toMatchObject({ __typename: 'Approval', decidedBy: 'owner' });
});

test('who decides may edit the input, which is checked again', async () => {
  const run = await asking(['publish', { title: 'Draft title' }]);
  const approvalId = run.approvals[0]!.id;
  const wrong = await decide(server, { approvalId, approve: true, editedInput: { title: 'x' } });
  expect(wrong.code).toBe('PROMPT_VARIABLES_INVALID');
  await decide(server, { approvalId, approve: true, editedInput: { title: 'Better title' } });
  await runWhen(server, run.id, 'SUCCEEDED');
  expect(effectsOf(run).map(({ input }) => input)).toEqual([{ title: 'Better title' }]);
});

test('a rejection does nothing, and the model is told why', async () => {
  const run = await asking(['publish', { title: 'Gossip' }]);
  const approvalId = run.approvals[0]!.id;
  await decide(server, { approvalId, approve: false, reason: 'not our style' });
  const done = await runWhen(server, run.id, 'SUCCEEDED');
  expect(effectsOf(run)).toEqual([]);
  expect(done.turns[0]?.toolCalls[0]?.isError).toBe(true);
  expect(lastResult()).toContain('not our style');
});

test('a decision holds once', async () => {
  const run = await asking(['publish', { title: 'Once' }]);
  const approvalId = run.approvals[0]!.id;
  const answers = await Promise.all(
    [true, false, true].map((approve) => decide(server, { approvalId, approve })),
  );
  expect(answers.filter(({ code }) => code === 'APPROVAL_CONFLICT')).toHaveLength(2);
  await runWhen(server, run.id, 'SUCCEEDED');
  expect((await decide(server, { approvalId, approve: true })).code).toBe('APPROVAL_CONFLICT');
});

test('two questions of one turn: each call is made as soon as it is approved', async () => {
  const run = await asking(['publish', { title: 'First' }], ['publish', { title: 'Second' }]);
  const [first, second] = run.approvals;
  await decide(server, { approvalId: first!.id, approve: true });
  await server.world.waitFor('publish', rawId(run.id));
  await runWhen(server, run.id, 'WAITING_FOR_APPROVAL');
  await decide(server, { approvalId: second!.id, approve: true });
  await runWhen(server, run.id, 'SUCCEEDED');
  expect(effectsOf(run).map(({ input }) => input['title'])).toEqual(['First', 'Second']);
});

test('a question that nobody answers expires, and the model is told', async () => {
  const run = await asking(['publish', { title: 'Too late' }]);
  const approvalId = run.approvals[0]!.id;
  await server.database.query(
    `UPDATE "Approval" SET "expiresAt" = now() - interval '1 second' WHERE "runId" = $1`,
    [rawId(run.id)],
  );
  expect((await decide(server, { approvalId, approve: true })).code).toBe('APPROVAL_CONFLICT');
  const done = await runWhen(server, run.id, 'SUCCEEDED');
  expect(effectsOf(run)).toEqual([]);
  expect(done.approvals[0]?.status).toBe('EXPIRED');
  expect(lastResult()).toContain('in time');
});

test('a run that waits can be cancelled, and what it asked is over with it', async () => {
  const run = await asking(['publish', { title: 'Never' }]);
  const { cancelRun } = await server.data<{ cancelRun: object }>(CANCEL, { id: run.id });
  expect(cancelRun).toEqual({ __typename: 'AgentRun', status: 'CANCELLED' });
  expect(effectsOf(run)).toEqual([]);
  const approvalId = run.approvals[0]!.id;
  const late = await decide(server, { approvalId, approve: true });
  expect(late).toMatchObject({
    code: 'APPROVAL_CONFLICT',
    message: expect.stringMatching(/is over/),
  });
  const pending = await server.data<{ approvals: { edges: { node: { id: string } }[] } }>(PENDING);
  expect(pending.approvals.edges.map(({ node }) => node.id)).not.toContain(approvalId);
});

test('the time that a run waits does not count towards its deadline', async () => {
  const message = `${calls(['publish', { title: 'Slow person' }])} [demo:reply ok]`;
  const run = await runAgent(server, message, { wait: true, options: { timeoutMs: 2_000 } });
  await server.database.query(
    `UPDATE "Run" SET "createdAt" = "createdAt" - interval '1 hour', "deadlineAt" = "deadlineAt" - interval '1 hour' WHERE id = $1`,
    [rawId(run.id)],
  );
  await server.database.query(
    `UPDATE "RunEvent" SET at = at - interval '1 hour' WHERE "runId" = $1`,
    [rawId(run.id)],
  );
  await decide(server, { approvalId: run.approvals[0]!.id, approve: true });
  await runWhen(server, run.id, 'SUCCEEDED');
});

test('questions are pushed to admins: those that wait, then each new one, across an outage', async () => {
  const before = await asking(['publish', { title: 'Waiting' }]);
  const stream = server.subscribe<{ runId: string; status: string }>(
    'subscription { approvalRequested { runId status } }',
  );
  let next = await stream.take();
  while (next.runId !== before.id) next = await stream.take();
  const after = await asking(['publish', { title: 'Fresh' }]);
  expect(await stream.take()).toEqual({ runId: after.id, status: 'PENDING' });
  failures.push(Object.assign(new Error('terminating connection'), { code: '57P01' }));
  const late = await asking(['publish', { title: 'While the database was away' }]);
  expect(await stream.take()).toEqual({ runId: late.id, status: 'PENDING' });
  expect(failures).toEqual([]);
  stream.stop();
});
