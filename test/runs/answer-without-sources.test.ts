import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/start-test-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  const documents = [
    { source: 'tea.md', text: 'Tea is made of leaves.', metadata: { year: 1999 } },
  ];
  await server.data(
    `mutation ($input: IngestDocumentsInput!) { ingestDocuments(input: $input) { __typename } }`,
    { input: { collection: 'drinks', documents } },
  );
});
afterAll(() => server[Symbol.asyncDispose]());

const input = { question: 'What is tea made of?', filter: { year: 2024 } };

test('an answer for which nothing was found says so, asks no model and costs nothing', async () => {
  const { ask } = await server.data<{ ask: object }>(
    `mutation ($input: AskInput!) { ask(input: $input) { ... on Answer {
      status text sources { source } citations { citedText } usage { inputTokens } cost degraded } } }`,
    { input },
  );
  expect(ask).toEqual({
    status: 'SUCCEEDED',
    text: 'Nothing about this was found in the sources.',
    sources: [],
    citations: [],
    usage: { inputTokens: 0 },
    cost: '0',
    degraded: false,
  });
  const events = await server
    .subscribe<{ __typename: string }>(
      'subscription ($input: AskInput!) { answer(input: $input) { __typename } }',
      { input },
    )
    .rest();
  expect(events.map(({ __typename }) => __typename)).toEqual([
    'RunStarted',
    'SourcesFound',
    'TextDelta',
    'RunFinished',
  ]);
  expect(server.demo.requests).toEqual([]);
});
