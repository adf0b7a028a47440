import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { runAgent } from '../support/money-operations.ts';
import { type MoneyServer, startMoneyServer } from '../support/start-money-server.ts';

let server: MoneyServer;
beforeAll(async () => {
  server = await startMoneyServer();
});
afterAll(() => server[Symbol.asyncDispose]());
afterEach(() => server.referee());

const calculate = (expression: string): string =>
  `[demo:tool calculate ${JSON.stringify({ expression })}]`;

test('each turn of an agent is a record, and the run costs their sum', async () => {
  const run = await runAgent(
    server,
    `${calculate('1+1')}[demo:next]${calculate('2+2')} [demo:reply 4] a`,
  );
  expect(run).toMatchObject({ status: 'SUCCEEDED', text: '4' });
  expect(run.turns).toHaveLength(3);
  const { records } = await server.referee();
  expect(records.map(({ kind }) => kind)).toEqual(['AGENT', 'AGENT', 'AGENT']);
  const total = records.reduce((sum, { cost }) => sum + Number(cost), 0);
  expect(Number(run.cost)).toBeCloseTo(total, 11);
});

test('the turns of a sub-agent are records of its own run', async () => {
  const order = JSON.stringify({ message: `${calculate('3+3')} [demo:reply six]` });
  const run = await runAgent(server, `[demo:tool helper ${order}] [demo:reply done] b`);
  expect(run).toMatchObject({ status: 'SUCCEEDED', text: 'done' });
  const { records } = await server.referee();
  expect(records).toHaveLength(4);
  expect(new Set(records.map(({ runId }) => runId)).size).toBe(2);
});

test('maxCost bounds all turns together, those of sub-agents included', async () => {
  const enough = await runAgent(server, `${calculate('4+4')} [demo:reply 8] c`);
  const { records } = await server.referee();
  const first = Number(records[0]!.cost);
  // Room for the first turn and its worst case, not for many more.
  const loop = '[demo:loop calculate {"expression":"5+5"}]';
  const order = JSON.stringify({ message: `${loop} deep` });
  for (const message of [`${loop} shallow`, `[demo:tool helper ${order}] [demo:reply so] d`]) {
    const maxCost = (Number(enough.cost) * 4 + 0.005).toFixed(9);
    const run = await runAgent(server, message, { maxCost });
    expect(run.error ?? { code: run.code }).toMatchObject({ code: 'BUDGET_EXCEEDED' });
    const after = (await server.referee()).records;
    const spent = after.reduce((sum, { cost }) => sum + Number(cost), 0);
    expect(after.length).toBeGreaterThan(1);
    expect(spent).toBeGreaterThan(first);
    expect(spent).toBeLessThanOrEqual(Number(maxCost));
  }
});

test('a turn that breaks off is billed, and the run tells why', async () => {
  const run = await runAgent(
    server,
    `${calculate('6+6')} [demo:fault cut turn=2 after=12] [demo:words 40] e`,
  );
  expect(run.error ?? { code: run.code }).toMatchObject({
    code: 'MODEL_UNAVAILABLE',
    retryable: true,
  });
  const { records } = await server.referee();
  expect(records.map(({ estimated }) => estimated)).toEqual([false, true]);
});
