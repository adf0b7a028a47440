import { Decimal } from 'decimal.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDemoModel } from '../../../src/demo-model/demo-model-server.ts';
import { createPrices } from '../../../src/model/prices/create-prices.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { complete, type Outcome, setBudget } from '../support/money-operations.ts';
import { createReferee } from '../support/referee.ts';
import { type MoneyServer, startMoneyServer } from '../support/start-money-server.ts';

let server: MoneyServer;
beforeAll(async () => {
  server = await startMoneyServer();
});
afterAll(() => server[Symbol.asyncDispose]());

/** All of one length, so that each could cost the same. */
const numbered = (index: number): string => `[demo:words 5] call ${String(index).padStart(4, '0')}`;
const bypass = { options: { cache: 'BYPASS' } };
const isRefusal = ({ code }: Outcome): boolean => code === 'BUDGET_EXCEEDED';

/** What one of the numbered calls could cost, as a refusal tells it. */
async function worstCase(on: MoneyServer, as: string, user: string): Promise<Decimal> {
  await setBudget(on, user, '0.000000000001');
  const refused = await complete(on, numbered(0), { ...bypass, as });
  return new Decimal(refused.estimated);
}

test('a refusal tells everything, and whether waiting helps', async () => {
  const as = await server.keyFor('ada');
  const worst = await worstCase(server, as, 'ada');
  await setBudget(server, 'ada', worst.times(1.5).toFixed());
  const letGo = server.demo.hold();
  const first = complete(server, numbered(1), { ...bypass, as });
  await server.demo.waitForOpenCalls(1);
  const refused = await complete(server, numbered(2), { ...bypass, as });
  expect(refused).toMatchObject({
    __typename: 'BudgetExceededError',
    code: 'BUDGET_EXCEEDED',
    retryable: true,
    estimated: worst.toFixed(),
    heldByOthers: worst.toFixed(),
    remaining: worst.times(0.5).toFixed(),
    budget: { subject: 'ada', period: 'DAILY', spent: '0', held: worst.toFixed() },
    runId: expect.any(String),
  });
  const reset = new Date(refused.resetsAt);
  expect(reset.toISOString()).toMatch(/T00:00:00.000Z$/);
  expect(reset.getTime() - Date.now()).toBeLessThanOrEqual(86_400_000);
  letGo();
  const { cost } = await first;
  expect(Number(cost)).toBeGreaterThan(0);
  expect((await complete(server, numbered(2), { ...bypass, as })).status).toBe('SUCCEEDED');
  await setBudget(server, 'ada', '0.000000000001');
  const final = await complete(server, numbered(3), { ...bypass, as });
  expect(final).toMatchObject({ code: 'BUDGET_EXCEEDED', retryable: false, heldByOthers: '0' });
  expect((await server.referee()).billed).toHaveLength(2);
});

test.each([50, 200])('of %i at once exactly the 20 that have room reach the model', async (all) => {
  const user = `crowd-${all}`;
  const as = await server.keyFor(user);
  const worst = await worstCase(server, as, user);
  await setBudget(server, user, worst.times(20).toFixed());
  const before = server.demo.requests.length;
  const letGo = server.demo.hold();
  const calls = Array.from({ length: all }, (_, at) =>
    complete(server, numbered(at), { ...bypass, as }),
  );
  const refused = calls.map((call) => call.then(isRefusal));
  await server.demo.waitForOpenCalls(20);
  // All the others are refused while the twenty are still held.
  await atLeast(refused, all - 20);
  letGo();
  const outcomes = await Promise.all(calls);
  expect(outcomes.filter(isRefusal)).toHaveLength(all - 20);
  expect(outcomes.filter(({ status }) => status === 'SUCCEEDED')).toHaveLength(20);
  expect(server.demo.requests.length - before).toBe(20);
  const { billed } = await server.referee();
  expect(billed).toHaveLength(20);
  const [window] = await server.database.query<{ spent: string }>(
    `SELECT spent::text FROM "SpendingWindow" WHERE subject = $1 AND period = 'DAILY'`,
    [user],
  );
  expect(worst.times(20).gte(window!.spent)).toBe(true);
});

test('two servers on one database let through no more than one would', async () => {
  await using database = await openTestDatabase();
  await using demo = await startDemoModel();
  const lasting = { ...database, close: async () => undefined };
  const environment = { ANTHROPIC_BASE_URL: demo.url };
  await using one = await startMoneyServer({ database: lasting, environment });
  await using two = await startMoneyServer({ database: lasting, environment });
  const as = await one.keyFor('ada');
  const worst = await worstCase(one, as, 'ada');
  await setBudget(two, 'ada', worst.times(20).toFixed());
  const letGo = demo.hold();
  const calls = Array.from({ length: 100 }, (_, at) =>
    complete(at % 2 === 0 ? one : two, numbered(at), { ...bypass, as }),
  );
  const refused = calls.map((call) => call.then(isRefusal));
  await demo.waitForOpenCalls(20);
  await atLeast(refused, 80);
  letGo();
  await Promise.all(calls);
  const compare = createReferee({ demo, database });
  expect((await compare()).billed).toHaveLength(20);
});

test('maxCost of one call refuses before the call', async () => {
  const refused = await complete(server, numbered(7), { options: { maxCost: '0.000001' } });
  expect(refused).toMatchObject({ code: 'BUDGET_EXCEEDED', retryable: false });
  expect(refused.budget['subject']).toMatch(/^run:/);
  expect(refused.message).toMatch(/^The maxCost of the run .* or allow a higher maxCost\.$/);
  const { estimated } = refused;
  const enough = await complete(server, numbered(7), { options: { maxCost: estimated } });
  expect(enough.status).toBe('SUCCEEDED');
  expect(Number(enough.cost)).toBeLessThanOrEqual(Number(estimated));
  expect((await server.referee()).billed).toHaveLength(1);
});

test('an attempt after one that was billed needs room of its own', async () => {
  const as = await server.keyFor('dora');
  // With room for the output alone the input is counted exactly, and so is what the refusal tells.
  const outputAlone = createPrices().worstCase('claude-sonnet-5-5', 0, 1_024, new Date());
  await setBudget(server, 'dora', outputAlone!);
  const { estimated } = await complete(server, numbered(9), { ...bypass, as });
  await setBudget(server, 'dora', estimated);
  server.demo.script({ kind: 'error_event', afterDeltas: 0, times: 2 });
  const refused = await complete(server, numbered(9), { ...bypass, as });
  expect(refused).toMatchObject({ code: 'BUDGET_EXCEEDED', heldByOthers: '0' });
  expect((await server.referee()).billed).toHaveLength(1);
  expect(Number(refused.budget['spent'])).toBeGreaterThan(0);
  await setBudget(server, 'dora', new Decimal(estimated).times(3).toFixed());
  const answer = await complete(server, numbered(9), { ...bypass, as });
  expect(answer.status).toBe('SUCCEEDED');
  expect((await server.referee()).billed).toHaveLength(2);
});

test('a billed attempt is in the books before the next one is made', async () => {
  server.demo.script({ kind: 'error_event', afterDeltas: 0 }, { kind: 'gate', afterDeltas: 0 });
  const answering = complete(server, numbered(10), bypass);
  await server.demo.waitForGatedCalls(1);
  const rows = await server.database.query(
    `SELECT status FROM "UsageRecord" u JOIN "Hold" h ON h."runId" = u."runId"`,
  );
  expect(rows).toEqual([{ status: 'failed' }]);
  server.demo.release();
  expect((await answering).status).toBe('SUCCEEDED');
  expect((await server.referee()).records).toHaveLength(2);
});

test('a changed limit and the default budget apply at once', async () => {
  const as = await server.keyFor('cleo');
  await setBudget(server, '*', '0.000000000001', 'MONTHLY');
  const refused = await complete(server, numbered(8), { ...bypass, as });
  expect(refused.budget).toMatchObject({ subject: '*', period: 'MONTHLY' });
  await setBudget(server, 'cleo', '1', 'MONTHLY');
  expect((await complete(server, numbered(8), { ...bypass, as })).status).toBe('SUCCEEDED');
  await server.referee();
});

/** Resolves when so many of the promises have resolved with true. */
function atLeast(promises: readonly Promise<boolean>[], count: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let seen = 0;
    for (const promise of promises) {
      promise.then((yes) => {
        if (yes && ++seen === count) resolve();
      }, reject);
    }
  });
}
