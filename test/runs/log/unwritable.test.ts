import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Database } from '../../../src/data/database.ts';
import { startTestServer, type TestServer } from '../../support/start-test-server.ts';
import { openTestDatabase } from '../../support/test-database.ts';

/** What the database answers to whatever holds the poison. */
let refusal: Error = new Error('not set');
let server: TestServer;

beforeAll(async () => {
  const database = await openTestDatabase();
  const refusing: Database = {
    ...database,
    transaction: (work) =>
      database.transaction(async (transaction) =>
        work({
          query: async (text, values) => {
            const isPoison = text.includes('"RunEvent"') && String(values).includes('poison');
            if (isPoison) throw refusal;
            return transaction.query(text, values);
          },
        }),
      ),
  };
  server = await startTestServer({ database: refusing });
});
afterAll(async () => server[Symbol.asyncDispose]());

const COMPLETE = `mutation ($text: String!) { complete(input: { prompt: { text: $text } }) {
  __typename ... on Completion { text } ... on Error { code } } }`;
const complete = async (text: string) =>
  (await server.data<{ complete: object }>(COMPLETE, { text })).complete;

test.each([
  ['too much for one message', new RangeError('Invalid string length')],
  ['more than the database has memory for', Object.assign(new Error(), { code: '53200' })],
])('a run that holds %s ends, and the server goes on', async (_, error) => {
  refusal = error;
  expect(await complete('[demo:reply poison]')).toEqual({
    __typename: 'RunInterruptedError',
    code: 'RUN_INTERRUPTED',
  });
  const well = { __typename: 'Completion', text: 'well' };
  await vi.waitFor(async () => expect(await complete('[demo:reply well]')).toEqual(well), 15_000);
});
