import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Database } from '../../../src/data/database.ts';
import { newId } from '../../../src/data/new-id.ts';
import type { AlertRecord, Ledger } from '../../../src/ledger/ledger.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import {
  clearLedger,
  eventually,
  openLedger,
  outcome,
  request,
  tag,
} from '../support/ledger-fixture.ts';

let database: Database;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database?.close());
beforeEach(() => clearLedger(database));

/** 100 output tokens cost $0.0005. */
async function spend(ledger: Ledger, outputTokens: number, runId = newId()): Promise<void> {
  const hold = await ledger.hold(request({ tag: tag({ runId }), maxTokens: outputTokens }));
  await ledger.settle(hold, outcome({ outputTokens }));
}
const told = async (ledger: Ledger): Promise<[string, string | null, string | null][]> => {
  const { edges } = await ledger.alerts({ first: 100 });
  return edges.map(({ node }): [string, string | null, string | null] => [
    node.kind,
    node.cost,
    node.threshold,
  ]);
};

test('each mark of a budget alerts once in its window, however many servers cross it at once', async () => {
  const heard: AlertRecord[] = [];
  const onAlert = (alert: AlertRecord): void => {
    heard.push(alert);
  };
  await using one = openLedger(database, { onAlert });
  await using other = openLedger(database, { onAlert });
  await one.setBudget({ subject: '*', period: 'DAILY', limit: '0.005' });
  await spend(one, 499);
  expect(await told(one)).toEqual([]);
  const spending = Array.from({ length: 10 }, (_, index) => spend(index % 2 ? one : other, 30));
  await Promise.all(spending);
  expect(await told(one)).toEqual([['BUDGET_THRESHOLD', expect.any(String), '0.0025']]);
  await spend(one, 1);
  await spend(one, 100);
  expect((await told(one))[0]).toEqual(['BUDGET_THRESHOLD', '0.004', '0.004']);
  await spend(one, 100);
  expect((await told(one))[0]).toEqual(['BUDGET_EXCEEDED', '0.005', '0.005']);
  await expect(one.hold(request())).rejects.toMatchObject({ code: 'BUDGET_EXCEEDED' });
  const { edges } = await one.alerts({});
  expect(edges.map(({ node }) => node.message)).toEqual([
    expect.stringContaining('was refused'),
    expect.stringContaining('past 100 %'),
    expect.stringContaining('past 80 %'),
    expect.stringContaining('past 50 %'),
  ]);
  expect(heard.toReversed()).toEqual(edges.map(({ node }) => node));
  expect(await one.alertsById([edges[0]!.node.id, newId()])).toEqual([edges[0]!.node, null]);
  expect(edges[0]!.node).toMatchObject({
    userId: 'ada',
    runId: null,
  });
  expect(edges[1]!.node).toMatchObject({
    message: 'ada has spent $0.005, past 100 % of the daily budget of $0.005.',
  });
});

test('a refused call does not keep the last mark from being told', async () => {
  await using ledger = openLedger(database);
  await ledger.setBudget({ subject: 'ada', period: 'DAILY', limit: '0.001' });
  await expect(ledger.hold(request({ maxTokens: 1_000, provisional: true }))).rejects.toThrow();
  expect(await told(ledger)).toEqual([]);
  for (let times = 0; times < 2; times += 1)
    await expect(ledger.hold(request({ maxTokens: 1_000 }))).rejects.toThrow();
  expect(await told(ledger)).toEqual([['BUDGET_EXCEEDED', '0', '0.001']]);
  await spend(ledger, 200);
  expect(await told(ledger)).toContainEqual(['BUDGET_EXCEEDED', '0.001', '0.001']);
});

test('a purge does not have a mark told again while its window lasts', async () => {
  let clock = new Date('2026-06-02T12:00:00Z');
  const heard: AlertRecord[] = [];
  const onAlert = (alert: AlertRecord): void => void heard.push(alert);
  await using ledger = openLedger(database, { now: () => clock, onAlert });
  await ledger.setBudget({ subject: 'ada', period: 'MONTHLY', limit: '0.002' });
  await spend(ledger, 360);
  clock = new Date('2026-06-29T12:00:00Z');
  await ledger.purgeUsage(new Date('2026-06-28T12:00:00Z'));
  await spend(ledger, 10);
  expect(heard).toHaveLength(2);
  await ledger.purgeUsage(new Date('2026-08-01T12:00:00Z'));
  expect(await told(ledger)).toEqual([]);
});

test('one leap over several marks alerts of each, and of each window', async () => {
  let clock = new Date('2026-05-31T12:00:00Z');
  await using ledger = openLedger(database, { now: () => clock });
  await ledger.setBudget({ subject: 'ada', period: 'DAILY', limit: '0.001' });
  await ledger.setBudget({ subject: 'ada', period: 'MONTHLY', limit: '0.002' });
  await spend(ledger, 180);
  expect((await told(ledger)).map(([kind, , threshold]) => [kind, threshold]).sort()).toEqual([
    ['BUDGET_THRESHOLD', '0.0005'],
    ['BUDGET_THRESHOLD', '0.0008'],
  ]);
  clock = new Date('2026-06-01T00:00:00Z');
  await spend(ledger, 200);
  expect(await told(ledger)).toHaveLength(2 + 3 + 1);
});

test('a call that waiting will not help is the first news of an exhausted budget, told once', async () => {
  await using ledger = openLedger(database);
  await ledger.setBudget({ subject: 'ada', period: 'DAILY', limit: '0.01' });
  const hold = await ledger.hold(request({ maxTokens: 1_900 }));
  await expect(ledger.hold(request({ maxTokens: 200 }))).rejects.toMatchObject({ retryable: true });
  expect(await told(ledger)).toEqual([]);
  await ledger.release(hold);
  for (const _ of [1, 2])
    await expect(ledger.hold(request({ maxTokens: 3_000 }))).rejects.toMatchObject({
      retryable: false,
    });
  expect(await told(ledger)).toEqual([['BUDGET_EXCEEDED', '0', '0.01']]);
});

test('another limit has marks of its own', async () => {
  await using ledger = openLedger(database);
  await ledger.setBudget({ subject: 'ada', period: 'DAILY', limit: '0.001' });
  await spend(ledger, 100);
  await ledger.setBudget({ subject: 'ada', period: 'DAILY', limit: '0.01' });
  await spend(ledger, 900);
  expect((await told(ledger)).map(([, , threshold]) => threshold)).toEqual(['0.005', '0.0005']);
});

test('a request above the threshold alerts once, whether in one call or in several', async () => {
  await using ledger = openLedger(database, { highCostThreshold: '0.001' });
  const runId = newId();
  await spend(ledger, 200, runId);
  expect(await told(ledger)).toEqual([]);
  await spend(ledger, 1, runId);
  await spend(ledger, 300, runId);
  const { edges } = await ledger.alerts({});
  expect(edges).toMatchObject([
    {
      node: {
        kind: 'HIGH_COST_REQUEST',
        runId,
        userId: 'ada',
        cost: '0.001005',
        threshold: '0.001',
      },
    },
  ]);
});

test('every server is signalled, and a hook that throws harms nobody', async () => {
  await using ledger = openLedger(database, {
    highCostThreshold: '0.0001',
    onAlert: () => Promise.reject(new Error('broken hook')),
  });
  const signalled: string[] = [];
  const stop = database.signals.subscribe('alert', (id) => signalled.push(id));
  await spend(ledger, 100);
  const { edges } = await ledger.alerts({});
  await eventually(() => signalled.includes(edges[0]!.node.id));
  stop();
});
