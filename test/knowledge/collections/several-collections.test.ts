import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../support/start-test-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await ingest('mills', ['mill', 'windmill']);
  await ingest('empty', []);
});
afterAll(() => server[Symbol.asyncDispose]());

const document = (source: string) => ({ source, text: `The ${source} turns slowly.` });
const ingest = (collection: string, sources: string[]) =>
  server.data(
    `mutation ($input: IngestDocumentsInput!) { ingestDocuments(input: $input) { __typename } }`,
    {
      // A document that is refused makes the collection all the same.
      input: { collection, documents: [...sources.map(document), { source: 'none', text: '' }] },
    },
  );

const search = async () => {
  const source = '{ search(input: { query: "what turns slowly" }) { source } }';
  const { data, errors } = await server.execute<{ search: { source: string }[] }>(source);
  return data ? data.search.map((hit) => hit.source).sort() : errors?.[0]?.extensions?.['code'];
};

interface Turn {
  toolCalls: { tool: string; isError: boolean; output: { passages: { source: string }[] } }[];
}
const searched = async () => {
  const { runAgent } = await server.data<{ runAgent: { turns: Turn[] } }>(
    `mutation { runAgent(input: { agent: "researcher", message: "What turns slowly?" }) {
       ... on AgentRun { turns { toolCalls { tool isError output } } } } }`,
  );
  const [call] = runAgent.turns.flatMap(({ toolCalls }) => toolCalls);
  expect(call).toMatchObject({ tool: 'search_knowledge', isError: false });
  return call!.output.passages.map(({ source }) => source);
};

const remove = async (name: string, as?: string) => {
  const { data, errors } = await server.execute<{ deleteCollection: object }>(
    `mutation ($name: String!) { deleteCollection(name: $name) {
       ... on Collection { name documents chunks } ... on Error { code } } }`,
    { name },
    as ? { as } : {},
  );
  return data?.deleteCollection ?? errors?.[0]?.extensions?.['code'];
};

test('an empty collection leaves it clear which one is meant', async () => {
  expect(await search()).toEqual(['mill', 'windmill']);
});

test('an agent that names no collection searches all of them in turn', async () => {
  await ingest('wheels', ['wheel', 'cogwheel']);
  const { errors } = await server.execute('{ search(input: { query: "wheel" }) { source } }');
  expect(errors?.[0]?.message).toContain('Name the collection');
  const sources = await searched();
  expect([...sources].sort()).toEqual(['cogwheel', 'mill', 'wheel', 'windmill']);
  const firstTwo = sources.slice(0, 2).sort();
  expect(firstTwo.filter((source) => source.endsWith('wheel'))).toHaveLength(1);
});

test('a collection is deleted with everything in it, by an admin', async () => {
  expect(await remove('wheels', await server.keyFor('ada'))).toBe('FORBIDDEN');
  expect(await remove('gone')).toEqual({ code: 'COLLECTION_NOT_FOUND' });
  expect(await remove('wheels')).toEqual({ name: 'wheels', documents: 2, chunks: 2 });
  expect(await remove('wheels')).toEqual({ code: 'COLLECTION_NOT_FOUND' });
  expect(await search()).toEqual(['mill', 'windmill']);
  const counts = ['Document', 'Chunk', 'ChunkEmbedding'].map(
    (table) => `(SELECT count(*)::int FROM "${table}") AS "${table}"`,
  );
  const [left] = await server.database.query(
    `SELECT ${counts.join()}, (SELECT count(DISTINCT "documentId")::int FROM "Posting") AS "Posting"`,
  );
  expect(left).toEqual({ Document: 2, Chunk: 2, ChunkEmbedding: 2, Posting: 2 });
  await ingest('wheels', ['wheel']);
  expect(await remove('wheels')).toMatchObject({ documents: 1 });
});
