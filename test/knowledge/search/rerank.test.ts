import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  definePlugin,
  modelReranker,
  questionAnswering,
  type Reranker,
} from '../../../src/tessera.ts';
import { startTestServer, type TestServer } from '../../support/start-test-server.ts';

/** Prefers what has the later letter; the test may put another judgement in its place. */
const byLetter: Reranker['rerank'] = async ({ passages }) =>
  passages.map(({ source }) => (source.charCodeAt(0) - 96) / 26);
let judge = byLetter;
const letters = definePlugin({
  name: 'letters',
  version: '1.0.0',
  setup: () => ({
    rerankers: [
      {
        name: 'letters',
        description: 'The later letter.',
        candidates: 6,
        rerank: (request) => judge(request),
      },
    ],
  }),
});

let server: TestServer;
const warnings: string[] = [];
const log = {
  debug: () => undefined,
  info: () => undefined,
  warn: (_fields: object, message: string) => void warnings.push(message),
  error: (_fields: object, message: string) => void warnings.push(message),
  child: () => log,
};
beforeAll(async () => {
  server = await startTestServer({
    plugins: [questionAnswering(), modelReranker(), letters()],
    log,
  });
  const documents = [...'abcdef'].map((letter, index) => ({
    source: letter,
    text: `${'The mill wheel turns. '.repeat(6 - index)}Mill ${letter} is one of six mills.`,
  }));
  await server.data(
    `mutation ($input: IngestDocumentsInput!) { ingestDocuments(input: $input) { __typename } }`,
    { input: { collection: 'mills', documents, readers: ['*'] } },
  );
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => {
  judge = byLetter;
  warnings.length = 0;
});

interface Hit {
  source: string;
  score: number;
}
const SEARCH = `query ($input: SearchInput!) { search(input: $input) { source score } }`;
const search = async (input: object, as?: string): Promise<Hit[]> => {
  const asked = { query: 'the mill wheel turns', collection: 'mills', ...input };
  return (await server.data<{ search: Hit[] }>(SEARCH, { input: asked }, as ? { as } : {})).search;
};
const sources = (hits: readonly Hit[]): string => hits.map(({ source }) => source).join('');

test('a reranker sees more than is asked for, and its scores take the place of those before', async () => {
  expect(sources(await search({ topK: 2 }))).toBe('ab');
  const hits = await search({ topK: 2, rerank: 'letters' });
  expect(hits).toEqual([
    { source: 'f', score: 6 / 26 },
    { source: 'e', score: 5 / 26 },
  ]);
});

test('equals keep their order, and scores stay within [0, 1]', async () => {
  judge = async ({ passages }) => passages.map(({ source }) => (source === 'd' ? 7 : 0.5));
  const hits = await search({ rerank: 'letters' });
  expect(sources(hits)).toBe('dabcef');
  expect(hits[0]?.score).toBe(1);
});

test.for<[string, Reranker['rerank']]>([
  ['throws', () => Promise.reject(new Error('out of order'))],
  ['answers too few', async () => [1]],
  ['answers what is no number', async ({ passages }) => passages.map(() => Number.NaN)],
])('one that %s leaves what retrieval found, with a warning', async ([, rerank]) => {
  judge = rerank;
  expect(sources(await search({ topK: 3, rerank: 'letters' }))).toBe('abc');
  expect(warnings).toEqual(['passages are not reranked']);
});

test('an unknown one is refused with the names there are, before a run begins', async () => {
  const message = 'There is no reranker "letter"; there are: "model", "letters".';
  const searched = await server.execute(SEARCH, { input: { query: 'mill', rerank: 'letter' } });
  const ASK = `mutation ($input: AskInput!) { ask(input: $input) { __typename } }`;
  const asked = await server.execute(ASK, { input: { question: 'mill?', rerank: 'letter' } });
  for (const { errors } of [searched, asked])
    expect(errors).toMatchObject([{ message, extensions: { code: 'BAD_USER_INPUT' } }]);
});

const ratings = (...relevance: number[]) => ({
  kind: 'reply' as const,
  text: JSON.stringify({
    ratings: relevance.map((each, index) => ({ passage: index + 1, relevance: each })),
  }),
});

test("the model's reranker is a prompt, and its call in a search is a run of the caller's", async () => {
  const as = await server.keyFor('ada', ['USER']);
  server.demo.script(ratings(1, 2, 9.5, 3, 0, 4));
  const hits = await search({ topK: 3, rerank: 'model' }, as);
  expect(hits).toEqual([
    { source: 'c', score: 0.95 },
    { source: 'f', score: 0.4 },
    { source: 'd', score: 0.3 },
  ]);
  const { usageRecords } = await server.data<{ usageRecords: { edges: { node: object }[] } }>(
    `{ usageRecords(first: 5) { edges { node {
      userId kind promptVersion { prompt { name } } status } } } }`,
  );
  expect(usageRecords.edges[0]?.node).toEqual({
    userId: 'ada',
    kind: 'COMPLETION',
    status: 'succeeded',
    promptVersion: { prompt: { name: 'rate_passages' } },
  });
});

test("in `ask` it is the run's own expense, under its own prompt", async () => {
  const as = await server.keyFor('grace', ['USER']);
  server.demo.script(ratings(0, 0, 0, 8, 0, 0));
  const { ask } = await server.data<{ ask: { id: string; sources: Hit[]; usage: object } }>(
    `mutation ($input: AskInput!) { ask(input: $input) { ... on Answer { id sources { source } usage { outputTokens } } } }`,
    { input: { question: 'the mill wheel turns?', collection: 'mills', topK: 2, rerank: 'model' } },
    { as },
  );
  expect(sources(ask.sources)).toBe('da');
  const records = await server.database.query<{ prompt: string; run: string }>(
    `SELECT "promptName" AS prompt, "runId"::text AS run FROM "UsageRecord" WHERE "userId" = 'grace' ORDER BY "createdAt"`,
  );
  expect(records.map(({ prompt }) => prompt)).toEqual(['rate_passages', 'rag_qa']);
  expect(new Set(records.map(({ run }) => run)).size).toBe(1);
});

test('a model that does not answer costs the order, not the search', async () => {
  server.demo.script({ kind: 'reply', text: 'I would rather not.' });
  expect(sources(await search({ query: 'mill wheels', topK: 2, rerank: 'model' }))).toBe('ab');
  expect(warnings).toContain('passages are not reranked');
});

test('the demo model rates by shared words', async () => {
  const documents = [
    { source: 'walls', text: 'Walls and floors were painted, and floors were laid.' },
    { source: 'floors', text: 'They were laid with tesserae of stone, as floors are.' },
    { source: 'roofs', text: 'Nothing else.' },
  ];
  await server.data(
    `mutation ($input: IngestDocumentsInput!) { ingestDocuments(input: $input) { __typename } }`,
    { input: { collection: 'houses', documents } },
  );
  const query = 'floors laid with tesserae';
  const hits = await search({ query, collection: 'houses', rerank: 'model' });
  expect(hits[0]).toEqual({ source: 'floors', score: 1 });
  const scores = new Map(hits.map(({ source, score }) => [source, score]));
  expect(scores.get('walls')).toBeGreaterThan(0);
  expect(scores.get('walls')).toBeLessThan(1);
  expect(scores.get('roofs')).toBe(0);
});

test('a budget without room is told', async () => {
  await server.data(
    `mutation { setBudget(input: { subject: "poor", period: DAILY, limit: "0.00001" }) { __typename } }`,
  );
  const as = await server.keyFor('poor', ['USER']);
  const input = { query: 'mill', collection: 'mills', rerank: 'model' };
  const { errors } = await server.execute(SEARCH, { input }, { as });
  expect(errors).toMatchObject([{ extensions: { code: 'BUDGET_EXCEEDED' } }]);
});

test('plugins tell which rerankers there are', async () => {
  const { plugins } = await server.data<{ plugins: { rerankers: object[] }[] }>(
    `{ plugins { rerankers { name plugin description } } }`,
  );
  expect(plugins.flatMap(({ rerankers }) => rerankers)).toMatchObject([
    { name: 'model', plugin: 'model-reranker' },
    { name: 'letters', plugin: 'letters', description: 'The later letter.' },
  ]);
});
