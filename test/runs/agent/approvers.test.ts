import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Approvers } from '../../../src/kernel/access/approvers.ts';
import type { Role } from '../../../src/kernel/access/principal.ts';
import { defineAgent, definePlugin, defineTool, z } from '../../../src/tessera.ts';
import { startTestServer, type TestServer } from '../../support/start-test-server.ts';
import {
  AGENT_RUN,
  type AgentRunView,
  DECIDE,
  PENDING,
  RUN_AGENT,
} from './support/agent-operations.ts';

const paid: unknown[] = [];
const payTool = (name: string, approvers?: Approvers) =>
  defineTool({
    name,
    description: 'Pays.',
    input: z.object({ amount: z.number(), to: z.string() }),
    output: z.string(),
    needsApproval: true,
    ...(approvers && { approvers }),
    run(input) {
      paid.push(input);
      return `paid ${input.amount}`;
    },
  });

const tools = {
  pay_own: payTool('pay_own'),
  pay_others: payTool('pay_others', 'others'),
  pay_role: payTool('pay_role', { roles: ['OPERATOR'] }),
  pay_group: payTool('pay_group', { groups: ['finance'] }),
};
const bank = definePlugin({
  name: 'bank',
  version: '1.0.0',
  setup: () => ({
    tools: Object.values(tools),
    agents: [
      defineAgent({
        name: 'teller',
        description: 'Pays.',
        instructions: 'Pay.',
        tools: Object.keys(tools) as [],
      }),
    ],
  }),
});

let server: TestServer;
const keys: Record<string, string> = {};

async function keyFor(userId: string, roles: Role[], groups: string[] = []): Promise<string> {
  const { auth } = server.running.services;
  return (await auth.createApiKey({ name: userId, userId, roles, groups })).secret;
}

beforeAll(async () => {
  server = await startTestServer({ plugins: [bank()] });
  keys['ada'] = await keyFor('ada', ['USER']);
  keys['ada-approver'] = await keyFor('ada', ['USER', 'APPROVER']);
  keys['bob'] = await keyFor('bob', ['USER']);
  keys['approver'] = await keyFor('amy', ['APPROVER']);
  keys['operator'] = await keyFor('oscar', ['OPERATOR']);
  keys['finance'] = await keyFor('fay', ['USER'], ['finance']);
  keys['admin'] = server.adminKey;
});
afterAll(() => server[Symbol.asyncDispose]());

const input = { amount: 1, to: 'ada' };

async function asking(tool: keyof typeof tools, as = keys['ada']!): Promise<AgentRunView> {
  const message = `[demo:tool ${tool} ${JSON.stringify(input)}] [demo:next] [demo:reply done]`;
  const variables = { input: { agent: 'teller', message } };
  const { runAgent } = await server.data<{ runAgent: AgentRunView }>(RUN_AGENT, variables, { as });
  expect(runAgent.status).toBe('WAITING_FOR_APPROVAL');
  return runAgent;
}

async function decide(run: AgentRunView, who: string, more: object = {}): Promise<unknown> {
  const decision = { approvalId: run.approvals[0]!.id, approve: true, ...more };
  const { data, errors } = await server.execute<{
    decideApproval: { __typename: string; status?: string; code?: string };
  }>(DECIDE, { input: decision }, { as: keys[who]! });
  const answer = data?.decideApproval;
  return errors?.[0]?.extensions?.['code'] ?? answer?.code ?? answer?.status;
}

const runWhenOver = async (id: string): Promise<AgentRunView> => {
  const read = async () => (await server.data<{ run: AgentRunView }>(AGENT_RUN, { id })).run;
  await expect.poll(async () => (await read()).status).toBe('SUCCEEDED');
  return read();
};

describe.each([
  ['pay_own', { ada: 'APPROVED', bob: 'NOT_FOUND', approver: 'NOT_FOUND', admin: 'APPROVED' }],
  [
    'pay_others',
    {
      ada: 'FORBIDDEN',
      'ada-approver': 'FORBIDDEN',
      bob: 'NOT_FOUND',
      approver: 'APPROVED',
      admin: 'APPROVED',
    },
  ],
  ['pay_role', { ada: 'FORBIDDEN', approver: 'NOT_FOUND', operator: 'APPROVED' }],
  ['pay_group', { ada: 'FORBIDDEN', bob: 'NOT_FOUND', finance: 'APPROVED', admin: 'APPROVED' }],
] as const)('%s', (tool, answers) => {
  test.each(Object.entries(answers))('decided by %s is %s', async (who, answer) => {
    const run = await asking(tool);
    const decided = await decide(run, who);
    expect(decided).toBe(answer);
    if (decided === 'APPROVED') await runWhenOver(run.id);
    else expect(await decide(run, 'admin', { approve: false })).toBe('REJECTED');
  });
});

test('each approver is shown what waits for them, and nothing else', async () => {
  const runs = [];
  for (const tool of Object.keys(tools) as (keyof typeof tools)[]) runs.push(await asking(tool));
  const shown = async (who: string) => {
    const { data, errors } = await server.execute<{
      approvals: { edges: { node: { tool: string } }[] };
    }>(PENDING, {}, { as: keys[who]! });
    return errors
      ? errors[0]!.extensions!['code']
      : data!.approvals.edges.map(({ node }) => node.tool);
  };
  expect(await shown('admin')).toEqual(Object.keys(tools));
  expect(await shown('approver')).toEqual(['pay_others']);
  expect(await shown('operator')).toEqual(['pay_role']);
  expect(await shown('finance')).toEqual(['pay_group']);
  // The owner of them all, who has the role, is not asked for four eyes.
  expect(await shown('ada-approver')).toEqual(['pay_own']);
  expect(await shown('bob')).toBe('FORBIDDEN');
  const pushed = server.subscribe<{ tool: string }>(
    'subscription { approvalRequested { tool } }',
    {},
    { as: keys['approver']! },
  );
  expect(await pushed.take()).toEqual({ tool: 'pay_others' });
  pushed.stop();
  for (const run of runs) await decide(run, 'admin', { approve: false });
});

test('an admin may decide the approvals of their own runs, since there may be nobody else', async () => {
  const run = await asking('pay_others', server.adminKey);
  expect(await decide(run, 'admin')).toBe('APPROVED');
});

test('a run shows what was executed, the approval what was proposed, and the model knows', async () => {
  const run = await asking('pay_own');
  const editedInput = { amount: 99_999, to: 'elsewhere' };
  expect(await decide(run, 'ada', { editedInput })).toBe('APPROVED');
  const done = await runWhenOver(run.id);
  expect(paid.at(-1)).toEqual(editedInput);
  const [call] = done.turns[0]!.toolCalls;
  expect(call).toMatchObject({ input: editedInput, output: 'paid 99999' });
  expect(done.approvals[0]!.input).toEqual(input);
  const told = JSON.stringify(server.demo.requests.at(-1)!.body!.messages.at(-1));
  expect(told).toContain('A person changed the input');
  expect(told).toContain('elsewhere');
});
