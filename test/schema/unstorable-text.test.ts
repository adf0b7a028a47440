import { readFile } from 'node:fs/promises';
import { buildSchema } from 'graphql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/start-test-server.ts';
import { stringPlaces } from './support/string-places.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
}, 60_000);
afterAll(() => server[Symbol.asyncDispose]());

const schema = buildSchema(
  await readFile(new URL('../../schema.graphql', import.meta.url), 'utf8'),
);

const unstorable = ['a\0b', '\ud800'];

test('no text that the database cannot hold is an internal error, wherever it stands', async () => {
  const places = stringPlaces(schema);
  expect(places.length).toBeGreaterThan(80);
  const failed: unknown[] = [];
  for (const { name, source, variables } of places) {
    for (const text of unstorable) {
      const { data, errors } = await server.execute(source, variables(text));
      const told = JSON.stringify({ data, errors });
      if (/INTERNAL_SERVER_ERROR|RunInterruptedError/.test(told)) failed.push([name, text, told]);
    }
  }
  expect(failed).toEqual([]);
}, 120_000);

test.for([
  ['query ($text: String) { budgets(subject: $text) { id } }', 'subject'],
  [
    'query ($text: String) { documents(collection: $text) { pageInfo { endCursor } } }',
    'collection',
  ],
  [
    'mutation ($text: String) { complete(input: { prompt: { text: "a" }, options: { idempotencyKey: $text } }) { __typename } }',
    'input.options.idempotencyKey',
  ],
  [
    'mutation ($text: String!) { setBudget(input: { subject: $text, period: DAILY, limit: "1" }) { id } }',
    'input.subject',
  ],
] as const)('a name that cannot be stored is refused: %s', async ([source, path]) => {
  for (const text of unstorable) {
    const { errors } = await server.execute(source, { text });
    expect(errors?.[0]?.extensions).toMatchObject({
      code: 'BAD_USER_INPUT',
      issues: [{ path: path.split('.') }],
    });
  }
});

test('one document that cannot be stored does not refuse the others', async () => {
  const documents = [
    { source: '', text: 'a' },
    { source: 'titled', title: 'x'.repeat(2_001), text: 'a' },
    { source: 'a\0b', text: 'a' },
    { source: 'good', text: 'A lift lifts.' },
  ];
  const { ingestDocuments } = await server.data<{ ingestDocuments: unknown }>(
    `mutation ($documents: [DocumentInput!]!) {
       ingestDocuments(input: { collection: "lifts", documents: $documents }) {
         ... on IngestedDocuments { created rejected { source issues { path } } }
       }
     }`,
    { documents },
  );
  expect(ingestDocuments).toEqual({
    created: 1,
    rejected: [
      { source: '', issues: [{ path: ['source'] }] },
      { source: 'titled', issues: [{ path: ['title'] }] },
      { source: 'a\0b', issues: [{ path: ['source'] }] },
    ],
  });
});
