import { readFile } from 'node:fs/promises';
import { buildSchema, getNamedType, isInterfaceType, isObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { encodeGlobalId } from '../../src/schema/global-id.ts';
import { defineAgent, definePlugin, defineTool, z } from '../../src/tessera.ts';
import { startTestServer, type TestServer } from '../support/start-test-server.ts';

const desk = definePlugin({
  name: 'desk',
  version: '1.0.0',
  setup: () => ({
    tools: [
      defineTool({
        name: 'refund',
        description: 'Pays back.',
        input: z.object({ order: z.string().describe('Which.') }),
        output: z.string(),
        needsApproval: true,
        run: () => 'done',
      }),
    ],
    agents: [
      defineAgent({
        name: 'clerk',
        description: 'Helps.',
        instructions: 'Help.',
        tools: ['refund'],
      }),
    ],
  }),
});

let server: TestServer;
let ada: string;
let bob: string;
/** Global ids of what is Bob's, by type. */
const bobs: Record<string, string> = {};

async function firstId(type: string, table: string, where: string): Promise<void> {
  const [row] = await server.database.query<{ id: string }>(
    `SELECT "id" FROM "${table}" WHERE ${where} LIMIT 1`,
  );
  bobs[type] = encodeGlobalId(type as 'Run', row!.id);
}

beforeAll(async () => {
  server = await startTestServer({
    plugins: [desk()],
    environment: { ALERT_COST_THRESHOLD: '0.000000000001' },
  });
  ada = await server.keyFor('ada');
  bob = await server.keyFor('bob');
  await server.data(
    'mutation { setBudget(input: { subject: "bob", period: DAILY, limit: "10" }) { id } }',
  );
  const { runAgent } = await server.data<{ runAgent: { id: string } }>(
    `mutation ($message: String!) { runAgent(input: { agent: "clerk", message: $message, options: { newConversation: true } }) {
       ... on AgentRun { id } } }`,
    { message: '[demo:tool refund {"order":"7"}]' },
    { as: bob },
  );
  bobs['Run'] = runAgent.id;
  await server.data(
    `mutation ($runId: ID!) { scoreRun(input: { runId: $runId, name: "good", value: 1 }) { __typename } }`,
    { runId: runAgent.id },
    { as: bob },
  );
  // The alert is raised behind the run's back.
  await vi.waitFor(() => firstId('Alert', 'Alert', `"userId" = 'bob'`), { timeout: 10_000 });
  await firstId('ApiKey', 'ApiKey', `"userId" = 'bob'`);
  await firstId('Conversation', 'Conversation', 'true');
  await firstId('Approval', 'Approval', 'true');
  await firstId('Budget', 'Budget', `"subject" = 'bob'`);
  await firstId('Score', 'Score', 'true');
  await firstId('UsageRecord', 'UsageRecord', `"userId" = 'bob'`);
}, 60_000);
afterAll(() => server[Symbol.asyncDispose]());

/** The types whose objects are a user's own. */
const owned = [
  ...['Alert', 'ApiKey', 'Approval', 'Budget', 'Conversation', 'Run', 'Score', 'UsageRecord'],
];

const NODE = 'query ($id: ID!) { node(id: $id) { __typename id } }';

describe('what is Bob’s', () => {
  test.each(owned)('%s by its id: Bob finds it, Ada does not', async (type) => {
    const id = bobs[type];
    expect(await server.data(NODE, { id }, { as: bob })).toMatchObject({ node: { id } });
    expect(await server.data(NODE, { id }, { as: ada })).toEqual({ node: null });
  });

  test.each([
    ['query ($Run: ID!) { run(id: $Run) { id } }', null],
    ['query ($Conversation: ID!) { conversation(id: $Conversation) { id } }', null],
    [
      'mutation ($Conversation: ID!) { updateConversation(input: { id: $Conversation, title: "x" }) { id } }',
      null,
    ],
    [
      'mutation ($Conversation: ID!) { deleteConversation(id: $Conversation) { ... on Error { code } } }',
      'NOT_FOUND',
    ],
    ['{ conversations(filter: { userId: "bob" }) { edges { node { id } } } }', 'FORBIDDEN'],
    ['{ conversations { edges { node { id } } } }', { edges: [] }],
    ['mutation ($Run: ID!) { cancelRun(id: $Run) { ... on Error { code } } }', 'RUN_NOT_FOUND'],
    [
      'mutation ($Run: ID!) { scoreRun(input: { runId: $Run, name: "a", value: 1 }) { ... on Error { code } } }',
      'RUN_NOT_FOUND',
    ],
    [
      'mutation ($Approval: ID!) { decideApproval(input: { approvalId: $Approval, approve: true }) { ... on Error { code } } }',
      'NOT_FOUND',
    ],
    ['mutation ($ApiKey: ID!) { revokeApiKey(id: $ApiKey) { __typename } }', 'FORBIDDEN'],
    ['{ apiKeys(userId: "bob") { edges { node { id } } } }', 'FORBIDDEN'],
    ['{ apiKeys { edges { node { userId } } } }', { edges: [{ node: { userId: 'ada' } }] }],
    ['{ usageRecords(userId: "bob") { edges { node { id } } } }', 'FORBIDDEN'],
    ['query ($Run: ID!) { usageRecords(runId: $Run) { edges { node { id } } } }', { edges: [] }],
    ['{ budgets(subject: "bob") { id } }', 'FORBIDDEN'],
    ['{ budgets { id } }', []],
    ['{ viewer { budgets { id } } }', { budgets: [] }],
    ['{ costStats(input: { userId: "bob" }) { requests } }', 'FORBIDDEN'],
    ['{ costStats { requests } }', { requests: 0 }],
    ['{ runs(filter: { userId: "bob" }) { edges { node { id } } } }', 'FORBIDDEN'],
    ['{ runs { edges { node { id } } } }', { edges: [] }],
    ['{ alerts { edges { node { id } } } }', 'FORBIDDEN'],
    ['{ approvals { edges { node { id } } } }', 'FORBIDDEN'],
  ] as const)('Ada learns nothing of it by %s', async (source, answer) => {
    const { data, errors } = await server.execute<Record<string, unknown>>(source, bobs, {
      as: ada,
    });
    const told = Object.values(data ?? {})[0] as { code?: string } | null | undefined;
    expect(errors?.[0]?.extensions?.['code'] ?? told?.code ?? told).toEqual(answer);
  });

  test('its events are not Ada’s to follow', async () => {
    const source =
      'subscription ($id: ID!) { runEvents(runId: $id) { __typename ... on RunFailed { error { code } } } }';
    const events = await server.subscribe(source, { id: bobs['Run'] }, { as: ada }).rest();
    expect(events).toEqual([{ __typename: 'RunFailed', error: { code: 'RUN_NOT_FOUND' } }]);
  });
});

/** Where else one comes upon such an object: each by way of something that is the caller's, or an admin's to make. */
const wayThere = [
  'AgentRun.approvals: Approval',
  'ApprovalDecided.approval: Approval',
  'ApprovalRequested.approval: Approval',
  'BudgetExceededError.budget: Budget',
  'Conversation.head: Run',
  'CreatedApiKey.apiKey: ApiKey',
  'Run.continues: Run',
  'Run.conversation: Conversation',
  'Run.scores: Score',
  'Run.subRuns: Run',
  'RunFinished.run: Run',
  'ToolCall.approval: Approval',
  'Viewer.budgets: Budget',
];

test('a new way to what is a user’s own is decided on here', async () => {
  const file = await readFile(new URL('../../schema.graphql', import.meta.url), 'utf8');
  const types = Object.values(buildSchema(file).getTypeMap());
  const ways = types
    .filter((type) => isObjectType(type) || isInterfaceType(type))
    .filter(({ name }) => !/^(Query|Mutation|Subscription|\w+Edge)$/.test(name))
    .flatMap((type) =>
      Object.values(type.getFields())
        .filter(({ name }) => !type.getInterfaces().some((from) => from.getFields()[name]))
        .map((field) => `${type.name}.${field.name}: ${getNamedType(field.type).name}`)
        .filter((way) => owned.includes(way.split(': ')[1]!)),
    );
  expect(ways.sort()).toEqual(wayThere);
});
