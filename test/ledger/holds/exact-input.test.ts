import { Decimal } from 'decimal.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { complete, setBudget } from '../support/money-operations.ts';
import { type MoneyServer, startMoneyServer } from '../support/start-money-server.ts';

let server: MoneyServer;
beforeAll(async () => {
  server = await startMoneyServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const long = 'The tea is in the cup. '.repeat(4_000);
const call = { model: 'claude-haiku-5-5', maxTokens: 50 };
const counted = (): number =>
  server.demo.requests.filter(({ path }) => path.endsWith('/count_tokens')).length;

test('where a guess of the input has no room, the provider counts it', async () => {
  const as = await server.keyFor('ada');
  await setBudget(server, 'ada', '10');
  const first = await complete(server, `${long} one`, { ...call, as });
  expect(counted()).toBe(0);
  await setBudget(server, 'ada', new Decimal(first.cost!).times(2.3).toFixed());
  const second = await complete(server, `${long} two`, { ...call, as });
  expect(second.status).toBe('SUCCEEDED');
  expect(counted()).toBe(1);
  const refused = await complete(server, `${long} three`, { ...call, as });
  expect(refused.code).toBe('BUDGET_EXCEEDED');
  expect(Number(refused.estimated)).toBeLessThan(Number(first.cost) * 1.3);
  await server.referee();
});

test('nothing is counted where the output alone has no room', async () => {
  const as = await server.keyFor('ben');
  await setBudget(server, 'ben', '0.0000001');
  const before = counted();
  expect((await complete(server, long, { ...call, as })).code).toBe('BUDGET_EXCEEDED');
  expect(counted()).toBe(before);
});
