import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../support/start-test-server.ts';

let server: TestServer;
let sam: { as: string };
beforeAll(async () => {
  server = await startTestServer();
  sam = { as: await server.keyFor('sam', ['USER'], ['sales']) };
  await server.data(
    `mutation ($input: IngestDocumentsInput!) { ingestDocuments(input: $input) { __typename } }`,
    {
      input: {
        collection: 'deals',
        readers: ['group:sales'],
        documents: [
          { source: 'deal.md', text: 'The Zebrafish deal is worth 100000 dollars a year.' },
        ],
      },
    },
  );
});
afterAll(() => server[Symbol.asyncDispose]());

const shape = `sources { source title content metadata headingPath withheld } citations { sourceIndex citedText }`;

interface Stored {
  sources: { source: string; content: string; withheld: boolean }[];
  citations: { sourceIndex: number; citedText: string }[];
}

async function ask(): Promise<Stored & { id: string }> {
  const { ask } = await server.data<{ ask: Stored & { id: string } }>(
    `mutation { ask(input: { question: "What is the Zebrafish deal worth?", collection: "deals" }) { ... on Answer { id ${shape} } } }`,
    {},
    sam,
  );
  return ask;
}

const read = async (id: string): Promise<Stored> =>
  (
    await server.data<{ run: Stored }>(
      `query ($id: ID!) { run(id: $id) { ... on Answer { ${shape} } } }`,
      { id },
      sam,
    )
  ).run;

async function events(id: string): Promise<object[]> {
  const stream = server.subscribe<{ runEvents: object }>(
    `subscription ($id: ID!) { runEvents(runId: $id) {
      ... on SourcesFound { sources { source content withheld } }
      ... on CitationFound { citation { citedText } } } }`,
    { id },
    sam,
  );
  return stream.rest();
}

const setReaders = (readers: string[]) =>
  server.data(
    'mutation ($input: UpdateCollectionInput!) { updateCollection(input: $input) { __typename } }',
    { input: { name: 'deals', readers } },
  );

test('a stored answer shows its sources and citations to those who may read them now', async () => {
  const { id, sources, citations } = await ask();
  expect(sources).toMatchObject([{ source: 'deal.md', withheld: false }]);
  expect(citations[0]?.citedText).toContain('100000');
  expect(await read(id)).toMatchObject({ sources, citations });
  expect(JSON.stringify(await events(id))).toContain('100000');

  await setReaders(['group:hr']);
  const withheld = await read(id);
  expect(withheld.sources).toEqual([
    { source: '', title: null, content: '', metadata: {}, headingPath: [], withheld: true },
  ]);
  expect(withheld.citations).toEqual(citations.map((each) => ({ ...each, citedText: '' })));
  expect(JSON.stringify(await events(id))).not.toMatch(/100000|deal\.md/);

  await setReaders(['group:sales']);
  expect(await read(id)).toMatchObject({ sources, citations });
});

test('citations that an older release stored are bound as well', async () => {
  const { id } = await ask();
  await server.database.query(
    `UPDATE "RunEvent" SET payload = (payload::jsonb #- '{citation,documentId}')::json WHERE type = 'CitationFound'`,
  );
  expect((await read(id)).citations[0]?.citedText).toContain('100000');
  await setReaders([]);
  expect((await read(id)).citations[0]?.citedText).toBe('');
  await setReaders(['group:sales']);
});

test('what a deleted document said is gone from stored answers', async () => {
  const { id } = await ask();
  await server.data('mutation { deleteCollection(name: "deals") { __typename } }');
  expect(JSON.stringify(await read(id))).not.toMatch(/100000|deal\.md/);
});
