import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Database } from '../../../src/data/database.ts';
import { newId } from '../../../src/data/new-id.ts';
import { InvalidInputError } from '../../../src/ledger/invalid-input-error.ts';
import type { Ledger, UsageRecordRow } from '../../../src/ledger/ledger.ts';
import { usageColumns } from '../../../src/ledger/usage/usage-row.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import {
  clearLedger,
  insertRecords,
  openLedger,
  outcome,
  request,
  usageRecord,
} from '../support/ledger-fixture.ts';

let database: Database;
let ledger: Ledger;
beforeAll(async () => {
  database = await openTestDatabase();
  ledger = openLedger(database);
});
afterAll(async () => {
  await ledger?.close();
  await database?.close();
});
beforeEach(() => clearLedger(database));

const base = Date.UTC(2026, 4, 1);
/** Three to a millisecond, so that pages end in the middle of one. */
const records = (count: number): UsageRecordRow[] =>
  Array.from({ length: count }, (_, index) =>
    usageRecord({
      createdAt: new Date(base + Math.floor(index / 3)),
      userId: index % 2 ? 'ada' : 'bob',
      requestId: `request-${index}`,
    }),
  );
const newestFirst = (all: readonly UsageRecordRow[]): UsageRecordRow[] =>
  all.toSorted(
    (one, other) =>
      other.createdAt.getTime() - one.createdAt.getTime() || (one.id < other.id ? 1 : -1),
  );
const piecesOf = async (source: AsyncIterable<string>): Promise<string[]> => {
  const pieces: string[] = [];
  for await (const piece of source) pieces.push(piece);
  return pieces;
};
const collect = async (source: AsyncIterable<string>): Promise<string> =>
  (await piecesOf(source)).join('');

test('pages bring every record once, newest first, while records come and go', async () => {
  const all = records(50);
  await insertRecords(database, all);
  const seen: UsageRecordRow[] = [];
  let after: string | null = null;
  for (;;) {
    const page = await ledger.usageRecords({ first: 7, after });
    expect(page.hasPreviousPage).toBe(after !== null);
    seen.push(...page.edges.map(({ node }) => node));
    await insertRecords(database, [usageRecord({ createdAt: new Date(base + 99_000) })]);
    if (!page.hasNextPage) break;
    after = page.edges.at(-1)!.cursor;
    await database.query('DELETE FROM "UsageRecord" WHERE "id" = $1', [seen.at(-1)!.id]);
  }
  expect(seen).toEqual(newestFirst(all));
});

test('pages of one user and of one run', async () => {
  const all = records(9);
  await insertRecords(database, all);
  const mine = await ledger.usageRecords({ userId: 'ada' });
  expect(mine.edges.map(({ node }) => node)).toEqual(
    newestFirst(all.filter(({ userId }) => userId === 'ada')),
  );
  const run = await ledger.usageRecords({ runId: all[4]!.runId, userId: 'bob' });
  expect(run).toMatchObject({ edges: [{ node: all[4] }], hasNextPage: false });
  expect((await ledger.usageRecords({ runId: newId() })).edges).toEqual([]);
});

test('a deep page reads no more than the first: the index leads to it', async () => {
  await insertRecords(database, records(2_000));
  await database.query('ANALYZE "UsageRecord"');
  const deep = Buffer.from(`${base + 10}:${newId()}`).toString('base64url');
  const rowsRead = async (after: string | null): Promise<number> => {
    let statement: [string, readonly unknown[]] | undefined;
    const watched: Database = {
      ...database,
      query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
        statement = [text, values];
        return database.query<Row>(text, values);
      },
    };
    await openLedger(watched).usageRecords({ first: 5, after });
    const [row] = await database.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
      `EXPLAIN (ANALYZE, FORMAT JSON) ${statement![0]}`,
      statement![1],
    );
    return readBy(row!['QUERY PLAN'][0].Plan);
  };
  expect(await rowsRead(null)).toBeLessThan(20);
  expect(await rowsRead(deep)).toBeLessThan(20);
});

interface PlanNode {
  'Actual Rows': number;
  'Rows Removed by Filter'?: number;
  Plans?: PlanNode[];
}
const readBy = (node: PlanNode): number =>
  node.Plans
    ? node.Plans.reduce((rows, plan) => rows + readBy(plan), 0)
    : node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0);

test.each([{ first: 0 }, { first: 101 }, { first: 1.5 }, { after: 'x' }, { after: 'MTp4' }])(
  'a page that makes no sense is refused: %j',
  async (request) => {
    await expect(ledger.usageRecords(request)).rejects.toThrow(InvalidInputError);
  },
);

test('the export brings a span, oldest first, in pieces', async () => {
  const all = records(1_203);
  await insertRecords(database, all);
  const text = await collect(ledger.exportUsage({ format: 'jsonl' }));
  const parsed = text
    .trimEnd()
    .split('\n')
    .map((line): UsageRecordRow => JSON.parse(line));
  expect(parsed).toEqual(JSON.parse(JSON.stringify(newestFirst(all).reverse())));
  const pieces = await piecesOf(ledger.exportUsage({ format: 'jsonl' }));
  expect(pieces.length).toBeGreaterThan(2);
  const span = await collect(
    ledger.exportUsage({
      format: 'csv',
      userId: 'ada',
      from: new Date(base + 10),
      to: new Date(base + 20),
    }),
  );
  const lines = span.trimEnd().split('\r\n');
  expect(lines[0]).toBe(usageColumns.join(','));
  expect(lines).toHaveLength(1 + 15);
});

test('CSV quotes what must be, defuses formulas and leaves unknown values empty', async () => {
  const record = usageRecord({
    userId: '=cmd|"x"',
    promptName: 'a,b\nc',
    tags: ['a,b', 'c'],
    cost: '0.000000000001',
    createdAt: new Date(base),
  });
  await insertRecords(database, [record]);
  const csv = await collect(ledger.exportUsage({ format: 'csv' }));
  expect(csv.split('\r\n')[1]).toBe(
    `${record.id},${record.runId},request-1,"'=cmd|""x""",,COMPLETION,anthropic,small,,"a,b\nc",,,10,5,0,0,false,false,0.000000000001,succeeded,100,,2026-05-01T00:00:00.000Z,,"[""a,b"",""c""]",,`,
  );
});

test('purging takes what is older and leaves what is not', async () => {
  const now = new Date(base + 90 * 86_400_000);
  const old = openLedger(database, { now: () => new Date(base) });
  await old.settle(await old.hold(request()), outcome({ inputTokens: 10 }));
  const recent = openLedger(database, { now: () => now });
  await recent.settle(await recent.hold(request()), outcome({ inputTokens: 20 }));
  expect(await ledger.purgeUsage(new Date(base + 60 * 86_400_000))).toBe(1);
  expect((await ledger.usageRecords({})).edges).toMatchObject([{ node: { inputTokens: 20 } }]);
  expect(await database.query('SELECT "period" FROM "SpendingWindow" ORDER BY 1')).toHaveLength(2);
});
