import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  CompleteDocument,
  CreateExperimentDocument,
  ExperimentDocument,
  ScoreRunDocument,
  type ScoreRunInput,
} from '../../src/generated/gql/graphql.ts';
import { type CallTyped, callTyped } from '../prompts/support/call-typed.ts';
import { startTestServer, type TestServer } from '../support/start-test-server.ts';

let server: TestServer;
let call: CallTyped;
beforeAll(async () => {
  server = await startTestServer();
  call = callTyped(server);
  const variants = [{ name: 'only', version: 1, weight: 1 }];
  const input = { name: 'scored', prompt: 'summarization', variants, start: true };
  await call(CreateExperimentDocument, { input });
});
afterAll(() => server[Symbol.asyncDispose]());

async function newRun(): Promise<string> {
  const prompt = { summarization: { text: 'Tea is a plant.' } };
  const { complete } = await call(CompleteDocument, {
    input: { prompt, options: { cache: 'BYPASS' as const } },
  });
  if (complete.__typename !== 'Completion') throw new Error(complete.__typename);
  return complete.id;
}

const score = async (input: ScoreRunInput) => (await call(ScoreRunDocument, { input })).scoreRun;

async function summary(name: string) {
  const { experiment } = await call(ExperimentDocument, { name: 'scored' });
  return experiment!.variants[0]!.scores.find((found) => found.name === name);
}

test('a user’s newest score of a run counts, once', async () => {
  const [first, second] = [await newRun(), await newRun()];
  for (const value of [1, 5, 3]) await score({ runId: first, name: 'clear', value });
  const { __typename, ...newest } = await score({ runId: first, name: 'clear', value: 2 });
  expect(newest).toMatchObject({ value: 2 });
  await score({ runId: second, name: 'clear', value: 4 });
  expect(await summary('clear')).toMatchObject({ count: 2, mean: 3 });
  await server.database.query(
    `INSERT INTO "Score" (id, "runId", name, value, "userId", "createdAt")
     SELECT gen_random_uuid(), "runId", name, 100, "userId", '2026-01-01' FROM "Score"
     WHERE name = 'clear'`,
  );
  expect(await summary('clear')).toMatchObject({ count: 2, mean: 3 });
});

test('a score beyond all measure is refused, and spoils no figures where one is stored', async () => {
  const runId = await newRun();
  await score({ runId, name: 'fair', value: 1e12 });
  expect(await summary('fair')).toMatchObject({ count: 1, mean: 1e12 });
  for (const value of [1e308, -1.1e12]) {
    await expect(score({ runId, name: 'fair', value })).rejects.toThrow('BAD_USER_INPUT');
  }
  const runs = [await newRun(), await newRun()];
  for (const each of runs) await score({ runId: each, name: 'fair', value: 1 });
  await server.database.query(`UPDATE "Score" SET value = 1e308 WHERE value = 1`);
  expect(await summary('fair')).toMatchObject({ count: 1, mean: 1e12 });
});

test('what the database cannot store is bad input', async () => {
  const runId = await newRun();
  const named = server.execute(ScoreRunDocument.toString(), {
    input: { runId, name: 'a\0', value: 1, comment: 'b\0' },
  });
  expect((await named).errors?.[0]?.extensions).toMatchObject({
    code: 'BAD_USER_INPUT',
    issues: [
      { path: ['input', 'name'], message: 'holds a NUL character or half a surrogate pair' },
      { path: ['input', 'comment'], message: 'holds a NUL character or half a surrogate pair' },
    ],
  });
});
