import { afterAll, beforeAll, expect, test } from 'vitest';
import { definePlugin } from '../../../src/tessera.ts';
import { startTestServer, type TestServer } from '../../support/start-test-server.ts';
import { createCountingEmbedder } from '../support/counting-embedder.ts';

const embedders = definePlugin({
  name: 'more-embedders',
  version: '1.0.0',
  setup: () => ({ embedders: [createCountingEmbedder()] }),
});
let server: TestServer;

beforeAll(async () => {
  server = await startTestServer({ plugins: [embedders()] });
  const tea = 'Tea is made of leaves. '.repeat(30);
  const documents = [
    { source: 'tea.md', text: tea },
    { source: 'copy.md', text: tea },
    { source: 'herbs.md', text: `Herbs are leaves, not tea. ${'Mint is a herb. '.repeat(30)}` },
  ];
  await server.data(
    `mutation ($input: IngestDocumentsInput!) { ingestDocuments(input: $input) { __typename } }`,
    { input: { collection: 'drinks', documents } },
  );
});
afterAll(() => server[Symbol.asyncDispose]());

interface Collection {
  embeddingModel: string;
  embedderWeight: number | null;
  reembedding: object | null;
  code?: string;
  message?: string;
}
const fields = 'embeddingModel embedderWeight reembedding { embeddingModel chunks problem }';
const UPDATE = `mutation ($input: UpdateCollectionInput!) { updateCollection(input: $input) {
  ... on Collection { ${fields} } ... on Error { code message } } }`;
const update = async (input: object, as?: string) => {
  const answer = await server.execute<{ updateCollection: Collection }>(
    UPDATE,
    { input: { name: 'drinks', ...input } },
    as ? { as } : {},
  );
  return answer.data?.updateCollection ?? answer.errors?.[0]?.extensions?.['code'];
};
const found = async (input: object): Promise<string[]> => {
  const { search } = await server.data<{ search: { source: string }[] }>(
    `query ($input: SearchInput!) { search(input: $input) { source } }`,
    { input: { query: 'tea leaves', topK: 2, ...input } },
  );
  return search.map(({ source }) => source);
};

test('a collection is given another embedder and weight by an admin only', async () => {
  expect(await update({ embedderWeight: 0.4 }, await server.keyFor('ada'))).toBe('FORBIDDEN');
  expect(await update({ embedderWeight: 1.5 })).toBe('BAD_USER_INPUT');
  expect(await update({ embedderWeight: 0.4 })).toMatchObject({
    embeddingModel: 'hash-512',
    embedderWeight: 0.4,
    reembedding: null,
  });
  expect(await update({ embeddingModel: 'none' })).toMatchObject({
    code: 'EMBEDDING_UNAVAILABLE',
    message: expect.stringContaining('"counting"'),
  });
  expect(await update({ embeddingModel: 'counting' })).toMatchObject({
    reembedding: { embeddingModel: 'counting' },
  });
  const collections = async () =>
    (await server.data<{ collections: Collection[] }>(`{ collections { ${fields} } }`)).collections;
  await expect
    .poll(collections)
    .toEqual([{ embeddingModel: 'counting', embedderWeight: null, reembedding: null }]);
});

test('diversity brings another passage in place of a copy', async () => {
  expect(new Set(await found({}))).toEqual(new Set(['tea.md', 'copy.md']));
  expect(await found({ diversity: 0.7 })).toContain('herbs.md');
});
