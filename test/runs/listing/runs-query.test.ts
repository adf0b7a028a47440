import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../support/start-test-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

interface RunView {
  __typename: string;
  id: string;
  userId: string;
  tags: string[];
  metadata: unknown;
  text?: string;
}
interface RunPage {
  edges: { node: RunView }[];
  pageInfo: { hasNextPage: boolean; endCursor: string };
}
const RUNS = `query ($filter: RunFilter, $first: Int, $after: String) {
  runs(filter: $filter, first: $first, after: $after) {
    edges { cursor node { __typename id userId tags metadata scores { name value } subRuns { id }
      ... on Completion { text variables } ... on SummarizationCompletion { variables } ... on Answer { question } } }
    pageInfo { hasNextPage hasPreviousPage endCursor } } }`;
const COMPLETE = `mutation ($input: CompleteInput!) { complete(input: $input) {
  __typename ... on Completion { id } ... on Error { code runId } } }`;

interface Completed {
  __typename: string;
  id?: string;
  code?: string;
}

async function complete(text: string, options: object = {}, as = server.adminKey) {
  const input = { prompt: { text }, options };
  return (await server.data<{ complete: Completed }>(COMPLETE, { input }, { as })).complete;
}

async function list(filter: object, as = server.adminKey): Promise<RunView[]> {
  const { runs } = await server.data<{ runs: RunPage }>(RUNS, { filter }, { as });
  return runs.edges.map(({ node }) => node);
}

test('a run shows its tags and notes, and is found by them', async () => {
  const metadata = { ticket: 7, nested: { note: 'é' } };
  const { id } = await complete('one', { tags: ['team-a', 'batch', 'batch'], metadata });
  await complete('two', { tags: ['team-a'] });
  expect(await list({ tags: ['batch', 'team-a'] })).toMatchObject([
    { id, tags: ['team-a', 'batch'], metadata, scores: [], subRuns: [] },
  ]);
  expect(await list({ tags: ['team-a'] })).toHaveLength(2);
  expect(await list({ tags: ['nobody-has-it'] })).toEqual([]);
});

test('users list their own runs, roles that read all runs everybody’s', async () => {
  const [ada, bob] = [await server.keyFor('ada'), await server.keyFor('bob')];
  const auditor = await server.keyFor('carl', ['AUDITOR']);
  const { id } = await complete('of ada', {}, ada);
  await complete('of bob', {}, bob);
  expect(await list({}, ada)).toMatchObject([{ id, userId: 'ada' }]);
  const both = await list({ createdAfter: '2026-01-01T00:00:00Z' }, auditor);
  expect(new Set(both.map(({ userId }) => userId))).toEqual(new Set(['admin', 'ada', 'bob']));
  expect(await list({ userId: 'ada' }, auditor)).toMatchObject([{ id }]);
  const refused = await server.execute(RUNS, { filter: { userId: 'ada' } }, { as: bob });
  expect(refused.errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN');
});

test('failures are found by status and by code', async () => {
  await complete('[demo:fault overloaded]', { timeoutMs: 5_000, tags: ['fails'] });
  const [failed] = await list({ errorCode: 'MODEL_OVERLOADED' });
  expect(failed).toMatchObject({ tags: ['fails'] });
  expect(await list({ statuses: ['FAILED'], kinds: ['COMPLETION'] })).toEqual([failed]);
});

test('an expensive run is found by what it cost', async () => {
  const { id } = await complete('[demo:words 900] dear');
  const { run } = await server.data<{ run: { cost: string } }>(
    'query ($id: ID!) { run(id: $id) { cost } }',
    { id },
  );
  expect(await list({ minCost: run.cost })).toMatchObject([{ id }]);
  const more = (Number(run.cost) * 1.01).toFixed(9);
  expect(await list({ minCost: more })).toEqual([]);
});

test.each([
  ['what was asked', 'Where do puffins nest?', '[demo:reply On cliffs] ', 'puffins'],
  ['what was answered', 'And where else?', '[demo:reply In burrows on grassy islands]', 'BURROWS'],
  ['all of several words', 'Kiwis are flightless', '[demo:reply yes]', 'flightless kiwis'],
  ['Japanese within a text', '東京都の天気を教えて', '[demo:reply 晴れです]', '天気'],
  ['a Chinese word of one character', '我喜欢喝茶', '[demo:reply 好]', '茶'],
  ['Thai', 'สวัสดีชาวโลก', '[demo:reply ok]', 'ชาวโลก'],
  ['Cyrillic', 'Где живут совы?', '[demo:reply в лесу]', 'совы'],
])('text search finds %s', async (_what, asked, instruction, text) => {
  const { id } = await complete(`${asked} ${instruction}`);
  expect(await list({ text })).toMatchObject([{ id }]);
});

test('text search finds a prompt’s variables, an agent’s message and a question', async () => {
  await server.data(
    `mutation { summarization(variables: { text: "Quokkas smile." }) { __typename } }`,
  );
  await server.data(
    `mutation { runAgent(input: { agent: "researcher", message: "[demo:reply ok] wombats" }) { __typename } }`,
  );
  await server.data(`mutation { ask(input: { question: "Do numbats sleep?" }) { __typename } }`);
  expect(await list({ text: 'quokkas' })).toMatchObject([
    { __typename: 'SummarizationCompletion', variables: { text: 'Quokkas smile.' } },
  ]);
  expect(await list({ text: 'wombats' })).toMatchObject([{ __typename: 'AgentRun' }]);
  expect(await list({ text: 'numbats' })).toMatchObject([
    { __typename: 'Answer', question: 'Do numbats sleep?' },
  ]);
});

test('text search does not take words of different runs together, nor parts of words', async () => {
  await complete('alpha [demo:reply beta]');
  expect(await list({ text: 'alpha beta' })).toHaveLength(1);
  expect(await list({ text: 'alpha gamma' })).toEqual([]);
  expect(await list({ text: 'alp' })).toEqual([]);
  const refused = await server.execute(RUNS, { filter: { text: ' ?! ' } });
  expect(refused.errors?.[0]?.extensions?.['code']).toBe('BAD_USER_INPUT');
});

test('a common word is found page by page, newest first', async () => {
  const ids: string[] = [];
  for (let index = 0; index < 7; index++) {
    ids.unshift((await complete(`common ${index} [demo:reply ok]`)).id!);
  }
  const found: string[] = [];
  for (let after: string | null = null; ; ) {
    const page: RunPage = (
      await server.data<{ runs: RunPage }>(RUNS, {
        filter: { text: 'common' },
        first: 3,
        after,
      })
    ).runs;
    found.push(...page.edges.map(({ node }) => node.id));
    if (!page.pageInfo.hasNextPage) break;
    after = page.pageInfo.endCursor;
  }
  expect(found).toEqual(ids);
});

test.each([
  ['too many tags', { tags: Array.from({ length: 21 }, (_, index) => `t${index}`) }],
  ['a tag too long', { tags: ['x'.repeat(65)] }],
  ['notes too large', { metadata: { text: 'x'.repeat(17_000) } }],
])('%s are refused', async (_what, options) => {
  const input = { prompt: { text: 'x' }, options };
  const answer = await server.execute(COMPLETE, { input });
  expect(answer.errors?.[0]?.extensions?.['code']).toBe('BAD_USER_INPUT');
});
