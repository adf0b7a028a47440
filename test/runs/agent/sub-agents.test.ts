import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type AgentEventView,
  CANCEL,
  calls,
  decide,
  RUN_EVENTS,
  rawId,
  runAgent,
  runWhen,
} from './support/agent-operations.ts';
import { type AgentServer, startAgentServer } from './support/start-agent-server.ts';

let server: AgentServer;
beforeAll(async () => {
  server = await startAgentServer({ environment: { SERVER_LEASE_MS: '1000' } });
});
afterAll(async () => server[Symbol.asyncDispose]());

interface ChildRow {
  id: string;
  requestId: string;
  userId: string;
  status: string;
  deadlineAt: Date;
}

const rowsOf = (where: string, id: string) =>
  server.database.query<ChildRow>(
    `SELECT id, "requestId", "userId", status, "deadlineAt" FROM "Run" WHERE "${where}" = $1`,
    [rawId(id)],
  );

test('an agent answers another, under its request, deadline and user', async () => {
  const order = `${calls(['note', { text: 'n' }])} [demo:reply the helper says so]`;
  const message = `${calls(['helper', { message: order }])} [demo:reply done]`;
  const run = await runAgent(server, message, { wait: true, options: { timeoutMs: 60_000 } });
  expect(run.turns[0]?.toolCalls[0]).toMatchObject({
    tool: 'helper',
    isError: false,
    output: 'the helper says so',
  });
  const [[parent], [child]] = [await rowsOf('id', run.id), await rowsOf('parentRunId', run.id)];
  expect(child).toMatchObject({ requestId: parent!.requestId, userId: parent!.userId });
  expect(child!.deadlineAt).toEqual(parent!.deadlineAt);
});

test('what sub-agents cost counts towards the maxCost of whoever asked', async () => {
  const order = '[demo:loop note {"text":"again"}] expensive';
  const message = `${calls(['helper', { message: order }])} [demo:reply done]`;
  const run = await runAgent(server, message, { wait: true, options: { maxCost: '0.08' } });
  const [child] = await rowsOf('parentRunId', run.id);
  expect(child?.status).toBe('FAILED');
  const [sum] = await server.database.query<{ cost: string }>(
    `SELECT sum(cost) AS cost FROM "UsageRecord" WHERE "runId" = ANY($1::uuid[])`,
    [[rawId(run.id), child!.id]],
  );
  expect(Number(sum!.cost)).toBeLessThanOrEqual(0.08);
  expect(run.turns[0]?.toolCalls[0]?.isError).toBe(true);
});

test('a cancel reaches every sub-agent', async () => {
  server.world.script('charge', 'hold');
  const deep = calls(['level_2', { message: calls(['charge', { amount: 77 }]) }]);
  const run = await runAgent(server, calls(['level_1', { message: deep }]));
  await server.world.waitFor('charge', ({ input }) => input['amount'] === 77);
  await server.data(CANCEL, { id: run.id });
  // Their rows follow their ends, by the log's next batch.
  const statuses = () =>
    server.database.query<{ status: string }>(
      `SELECT status FROM "Run" WHERE "requestId" = (SELECT "requestId" FROM "Run" WHERE id = $1)`,
      [rawId(run.id)],
    );
  await expect.poll(statuses).toEqual(Array(3).fill({ status: 'CANCELLED' }));
});

test('agents are nested three deep at most', async () => {
  const at = (level: number): string =>
    level === 5
      ? 'bottom'
      : calls([`level_${level}`, { message: `${at(level + 1)} [demo:reply up]` }]);
  const run = await runAgent(server, `${at(1)} [demo:reply top]`, { wait: true });
  expect(run.status).toBe('SUCCEEDED');
  const [{ count } = { count: 0 }] = await server.database.query<{ count: number }>(
    `SELECT count(*)::int FROM "Run" WHERE "requestId" = (SELECT "requestId" FROM "Run" WHERE id = $1)`,
    [rawId(run.id)],
  );
  expect(count).toBe(4);
  const told = server.demo.requests.filter(({ body }) =>
    JSON.stringify(body).includes('nested too deep'),
  );
  expect(told.length).toBeGreaterThan(0);
});

test('when a sub-agent waits for a person, whoever asked it waits as well, and holds nothing', async () => {
  const order = `${calls(['publish', { title: 'From below' }])} [demo:reply published]`;
  const message = `${calls(['helper', { message: order }])} [demo:reply all done]`;
  const run = await runAgent(server, message, { wait: true });
  expect(run.status).toBe('WAITING_FOR_APPROVAL');
  const [child] = await rowsOf('parentRunId', run.id);
  // Whoever follows the run has all they need to decide.
  const [approval] = run.approvals;
  expect(approval).toMatchObject({ tool: 'publish', input: { title: 'From below' } });
  await decide(server, { approvalId: approval!.id, approve: true });
  const done = await runWhen(server, run.id, 'SUCCEEDED');
  expect(done.turns[0]?.toolCalls).toMatchObject([{ output: 'published', isError: false }]);
  expect(await server.world.waitFor('publish', child!.id)).toHaveLength(1);
  const events = await server.subscribe<AgentEventView>(RUN_EVENTS, { id: run.id }).rest();
  const told = events.filter((event) => event.approval);
  expect(told.map(({ __typename, approval: of }) => [__typename, of!.id])).toEqual([
    ['ApprovalRequested', approval!.id],
    ['ApprovalDecided', approval!.id],
  ]);
});
