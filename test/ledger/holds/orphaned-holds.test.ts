import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Database } from '../../../src/data/database.ts';
import { newId } from '../../../src/data/new-id.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { clearLedger, openLedger, outcome, request, tag } from '../support/ledger-fixture.ts';

let database: Database;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database?.close());
beforeEach(() => clearLedger(database));

const windows = () =>
  database.query<{ period: string; spent: string; held: string }>(
    `SELECT "period", trim_scale("spent")::text AS "spent", trim_scale("held")::text AS "held"
     FROM "SpendingWindow" ORDER BY "period"`,
  );
const persist = async (
  runId: string,
  events: readonly { type: string; length: number; at?: Date }[],
): Promise<void> => {
  let position = 0;
  for (const { type, length, at = new Date() } of events) {
    position += length;
    await database.query(
      `INSERT INTO "RunEvent" ("runId", "position", "length", "type", "payload", "at")
       VALUES ($1, $2, $3, $4, '{}', $5)`,
      [runId, position, length, type, at],
    );
  }
};

test('what a dead server held is settled by what its run had brought, flagged, on its own windows', async () => {
  const dead = newId();
  const lost = openLedger(database, { serverId: dead });
  await using ledger = openLedger(database);
  const runId = newId();
  const envelope = { runId, limit: '1' };
  const call = tag({
    runId,
    promptName: 'greet',
    kind: 'AGENT',
    groups: ['sales'],
    tags: ['trial'],
  });
  const hold = await lost.hold(request({ tag: call, estimatedInputTokens: 70, envelope }));
  const alive = await ledger.hold(request());
  // A whole turn, and 41 characters of the next one: 11 tokens.
  await persist(runId, [
    { type: 'TextDelta', length: 4_000 },
    { type: 'AssistantTurn', length: 1 },
    { type: 'ThinkingDelta', length: 20 },
    { type: 'TextDelta', length: 21 },
    { type: 'ToolCallStarted', length: 1 },
  ]);
  expect(await ledger.settleHoldsOf([dead, newId()])).toBe(1);
  const [record] = await ledger.usageRecordsById([hold.id]);
  const { accessTokens: _, ...attribution } = call;
  expect(record).toMatchObject({
    ...attribution,
    model: 'small',
    inputTokens: 70,
    outputTokens: 11,
    estimated: true,
    status: 'interrupted',
    cost: '0.000125',
    createdAt: hold.createdAt,
  });
  expect(await windows()).toEqual([
    { period: 'DAILY', spent: '0.000125', held: '0.0005' },
    { period: 'MONTHLY', spent: '0.000125', held: '0.0005' },
    { period: 'TOTAL', spent: '0.000125', held: '0' },
  ]);
  await ledger.settle(alive, outcome());
});

test('the estimate never passes what the call was allowed, and counts nothing from before it', async () => {
  const dead = newId();
  const lost = openLedger(database, { serverId: dead });
  await using ledger = openLedger(database);
  const [long, silent] = [newId(), newId()];
  const holds = [
    await lost.hold(request({ tag: tag({ runId: long }) })),
    await lost.hold(request({ tag: tag({ runId: silent }) })),
  ];
  await persist(long, [{ type: 'TextDelta', length: 90_000 }]);
  const before = new Date(holds[1]!.createdAt.getTime() - 60_000);
  await persist(silent, [{ type: 'TextDelta', length: 400, at: before }]);
  expect(await ledger.settleHoldsOf([dead])).toBe(2);
  expect(await ledger.usageRecordsById(holds.map(({ id }) => id))).toMatchObject([
    { outputTokens: 100 },
    { outputTokens: 0, cost: '0' },
  ]);
});

test('servers that sweep at once settle each hold once', async () => {
  const dead = newId();
  const lost = openLedger(database, { serverId: dead });
  await using one = openLedger(database);
  await using other = openLedger(database);
  await Promise.all(
    Array.from({ length: 30 }, () => lost.hold(request({ estimatedInputTokens: 10 }))),
  );
  const settled = await Promise.all([one.settleHoldsOf([dead]), other.settleHoldsOf([dead])]);
  expect(settled[0]! + settled[1]!).toBe(30);
  expect(await windows()).toMatchObject([
    { spent: '0.0003', held: '0' },
    { spent: '0.0003', held: '0' },
  ]);
  expect(await one.settleHoldsOf([dead])).toBe(0);
});

test('a server that was only thought dead puts the truth in place of the estimate, once', async () => {
  const slow = newId();
  await using late = openLedger(database, { serverId: slow });
  await using ledger = openLedger(database);
  const hold = await late.hold(request({ estimatedInputTokens: 50 }));
  await ledger.settleHoldsOf([slow]);
  const truth = outcome({ inputTokens: 40, outputTokens: 60 });
  const record = await late.settle(hold, truth);
  expect(record).toMatchObject({ estimated: false, status: 'succeeded', cost: '0.00034' });
  await late.settle(hold, outcome({ outputTokens: 1 }));
  expect(await ledger.usageRecordsById([hold.id])).toEqual([record]);
  expect(await windows()).toMatchObject([
    { spent: '0.00034', held: '0' },
    { spent: '0.00034', held: '0' },
  ]);
});
