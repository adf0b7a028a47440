import { afterAll, beforeAll, expect, test } from 'vitest';
import { startRetention } from '../../src/server/start-retention.ts';
import {
  complete,
  type Outcome,
  RUN,
  runAgent,
  STREAM,
  type StreamEvent,
} from '../ledger/support/money-operations.ts';
import { type MoneyServer, startMoneyServer } from '../ledger/support/start-money-server.ts';
import { recordingLog } from '../support/recording-log.ts';

let server: MoneyServer;
beforeAll(async () => {
  server = await startMoneyServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const secret = 'the-launch-code';
const everything = `SELECT concat_ws(' ', (SELECT json_agg(r) FROM "Run" r), (SELECT json_agg(e) FROM "RunEvent" e),
  (SELECT json_agg(a) FROM "Approval" a), (SELECT json_agg(s) FROM "Score" s),
  (SELECT json_agg(c) FROM "CachedResponse" c)) AS text`;
const stored = async (): Promise<string> =>
  (await server.database.query<{ text: string }>(everything))[0]!.text;

async function pass(days: { usageDays?: number; contentDays?: number }): Promise<void> {
  const { database } = server;
  const { ledger } = server.running.services;
  const settings = { usageDays: null, contentDays: null, ...days };
  const { log, entries } = recordingLog();
  const retention = startRetention({ database, ledger, log, ...settings });
  await retention.settled();
  await retention.close();
  expect(entries.filter(({ level }) => level === 'error')).toEqual([]);
}

/** Makes everything that is there so much older. */
async function age(days: number): Promise<void> {
  for (const [table, columns] of Object.entries({
    Run: ['createdAt', 'finishedAt'],
    UsageRecord: ['createdAt'],
    CachedResponse: ['createdAt'],
  })) {
    const sets = columns.map((name) => `"${name}" = "${name}" - interval '${days} days'`);
    await server.database.query(`UPDATE "${table}" SET ${sets.join(', ')}`);
  }
}

test('the content of old runs goes, the money and the shape of the run stay', async () => {
  const told = `[demo:reply ${secret}] say ${secret}`;
  const answer = await complete(server, told, { options: { idempotencyKey: secret } });
  const failed = await complete(server, `[demo:fault cut after=2] [demo:words 9] ${secret}`);
  const calculate = `[demo:tool calculate {"expression":"1+1"}]`;
  const agent = await runAgent(server, `${calculate} [demo:reply ${secret}] ${secret}`);
  await server.data(
    'mutation ($input: ScoreRunInput!) { scoreRun(input: $input) { __typename } }',
    { input: { runId: answer.id, name: 'good', value: 1, comment: secret } },
  );
  await server.referee();
  await pass({ contentDays: 30 });
  expect(await stored()).toContain(secret);
  await age(31);
  await complete(server, `[demo:reply new] of today ${secret}`);
  const before = await server.data<{ run: object }>(RUN, { id: answer.id });
  await pass({ contentDays: 30 });
  const left = await stored();
  // Only today's run, its start aside, says it still.
  expect(left.split(secret).length - 1).toBe(1);
  const { run } = await server.data<{ run: object }>(RUN, { id: answer.id });
  expect(run).toEqual({ ...before.run, text: '' });
  expect(run).toMatchObject({ status: 'SUCCEEDED', cost: answer.cost });
  const again = await server.data<{ run: object }>(RUN, { id: failed.runId });
  expect(again.run).toMatchObject({ status: 'FAILED', error: { code: 'MODEL_UNAVAILABLE' } });
  const turns = await server.data<{ run: object }>(
    'query ($id: ID!) { run(id: $id) { cost ... on AgentRun { message text turns { number } } } }',
    { id: agent.id },
  );
  expect(turns.run).toEqual({ cost: agent.cost, message: '', text: '', turns: [] });
  const events = `subscription ($id: ID!) { runEvents(runId: $id) { __typename runId } }`;
  const names = (await server.subscribe<StreamEvent>(events, { id: answer.id }).rest()).map(
    ({ __typename }) => __typename,
  );
  expect(names).toEqual(['RunStarted', 'RunFinished']);
});

test('a run that is not over keeps everything, however old', async () => {
  const input = { prompt: { text: `[demo:gate 2] [demo:words 9] ${secret} open` } };
  const stream = server.subscribe<StreamEvent>(STREAM, { input });
  await stream.take();
  await server.demo.waitForGatedCalls(1);
  await age(400);
  await pass({ contentDays: 30 });
  expect(await stored()).toContain(`${secret} open`);
  server.demo.release();
  expect((await stream.rest()).at(-1)?.run?.status).toBe('SUCCEEDED');
});

test('expired keys, answers and sessions go, at any setting; the others stay', async () => {
  const { database } = server;
  await database.query('DELETE FROM "IdempotencyKey"');
  for (const [hash, expires] of [
    ['old', '-1'],
    ['live', '1'],
  ]) {
    const at = `now() + interval '${expires} hour'`;
    await database.query(`INSERT INTO "Session" VALUES ('${hash}', 'ada', '{USER}', now(), ${at})`);
    await database.query(
      `INSERT INTO "IdempotencyKey" VALUES ('ada', '${hash}', 'h', gen_random_uuid(), ${at})`,
    );
    await database.query(
      `INSERT INTO "CachedResponse" VALUES ('${hash}', 'm', '{}', 1, now(), ${at})`,
    );
  }
  await pass({});
  for (const [table, column] of [
    ['Session', 'hash'],
    ['IdempotencyKey', 'key'],
    ['CachedResponse', 'key'],
  ]) {
    const rows = await database.query<{ key: string }>(
      `SELECT "${column}" AS key FROM "${table}" WHERE "${column}" IN ('old', 'live')`,
    );
    expect(rows).toEqual([{ key: 'live' }]);
  }
});

test('usage records go after their own days', async () => {
  const count = async (): Promise<number> =>
    (await server.database.query<{ count: number }>('SELECT count(*)::int FROM "UsageRecord"'))[0]!
      .count;
  const calculate = '[demo:tool calculate {"expression":"1+1"}] [demo:reply done] old';
  const { id } = await runAgent(server, calculate);
  const before = await server.data<{ run: Outcome }>(RUN, { id });
  expect(Number(before.run.cost)).toBeGreaterThan(0);
  await age(400);
  await complete(server, 'of today');
  expect(await count()).toBeGreaterThan(3);
  await pass({ usageDays: 365 });
  expect(await count()).toBe(1);
  expect(await server.data(RUN, { id })).toEqual(before);
});
