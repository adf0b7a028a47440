// npm run bench:ledger: holds and settlements against plain INSERTs, and, on the server of TEST_DATABASE_URL, what
// roll-ups cost, and statistics of a million records with and without them.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Database } from '../src/data/database.ts';
import { newId } from '../src/data/new-id.ts';
import { openDatabase } from '../src/data/open-database.ts';
import type { CostStatsRequest, Ledger } from '../src/ledger/ledger.ts';
import {
  clearLedger,
  insertRecords,
  openLedger,
  outcome,
  request,
  tag,
  usageRecord,
} from '../test/ledger/support/ledger-fixture.ts';
import { createServerDatabase } from '../test/support/server-template.ts';
import { testLog } from '../test/support/test-log.ts';

const roundMs = 2_000;
const sliceRows = 50_000;
const users = Array.from({ length: 20 }, (_, index) => `user-${index}`);

/** Operations a second and processor time of each in microseconds, with so many in flight; of a warm round. */
async function rate(
  inFlight: number,
  operate: (index: number) => Promise<unknown>,
): Promise<string> {
  let done = 0;
  const worker = async (until: number): Promise<void> => {
    while (performance.now() < until) await operate(done++);
  };
  const round = async (milliseconds: number): Promise<void> => {
    const until = performance.now() + milliseconds;
    await Promise.all(Array.from({ length: inFlight }, () => worker(until)));
  };
  await round(roundMs / 4);
  done = 0;
  const [cpu, started] = [process.cpuUsage(), performance.now()];
  await round(roundMs);
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - started) / 1_000;
  return `${Math.round(done / seconds)}/s, ${Math.round((user + system) / done)} µs of processor each`;
}

async function benchCalls(database: Database): Promise<void> {
  const ledger = openLedger(database);
  const insert = (): Promise<void> => insertRecords(database, [usageRecord()]);
  const call = async (index: number): Promise<void> => {
    const hold = await ledger.hold(
      request({ tag: tag({ userId: users[index % users.length]! }), maxTokens: 1 }),
    );
    await ledger.settle(hold, outcome({ outputTokens: 1 }));
  };
  for (const inFlight of [1, 50]) {
    await clearLedger(database);
    console.log(`${database.kind}, ${inFlight} in flight`);
    console.log(`  plain INSERT                 ${await rate(inFlight, insert)}`);
    console.log(`  hold + settle                ${await rate(inFlight, call)}`);
    await ledger.setBudget({ subject: '*', period: 'DAILY', limit: '1000000' });
    await ledger.setBudget({ subject: '*', period: 'MONTHLY', limit: '1000000' });
    console.log(`  hold + settle, two budgets   ${await rate(inFlight, call)}`);
  }
  await clearLedger(database);
  await ledger.close();
}

/** October: 1,000 users, 4 models, 20 prompts in 40 versions, 50 keys. */
async function fillMonth(database: Database): Promise<void> {
  for (let first = 1; first <= 1_000_000; first += sliceRows)
    await database.query(
      `INSERT INTO "UsageRecord" ("id", "runId", "requestId", "userId", "apiKeyId", "kind", "provider",
      "model", "promptVersionId", "promptName", "variant", "inputTokens", "outputTokens", "cacheReadTokens",
      "cacheWriteTokens", "cached", "cost", "status", "durationMs", "timeToFirstTokenMs", "createdAt")
    SELECT (lpad(to_hex((extract(epoch FROM t) * 1000)::bigint), 12, '0') || '7' || substr(md5(i::text), 1, 3) || '8'
        || substr(md5(i || 'x'), 1, 15))::uuid,
      md5('run' || i)::uuid, 'request-' || i, 'user-' || (i::bigint * 7919 % 1000),
      CASE WHEN i % 3 = 0 THEN md5('key' || (i % 50))::uuid END, (ARRAY['COMPLETION', 'ANSWER', 'AGENT'])[1 + i % 3],
      'anthropic', 'model-' || (i * 31 % 17) % 4, CASE WHEN i % 2 = 0 THEN md5('version' || (i % 40))::uuid END,
      CASE WHEN i % 2 = 0 THEN 'prompt_' || (i % 20) END, CASE WHEN i % 10 = 0 THEN 'b' END,
      100 + (i * 13) % 4000, (i * 17) % 900, 0, 0, i % 20 = 0,
      (i * 13) % 4000 * 0.000001 + (i * 17) % 900 * 0.000005, CASE WHEN i % 50 = 0 THEN 'failed' ELSE 'succeeded' END,
      300 + random() * 9000, 200 + random() * 500, t
    FROM (SELECT i, timestamptz '2026-10-01Z' + (i - 1) * interval '31 days' / 1000000 AS t
      FROM generate_series($1::int, $1::int + ${sliceRows} - 1) i) g`,
      [first],
    );
  await database.query('VACUUM ANALYZE "UsageRecord"');
}

const window = { from: new Date('2026-10-01T00:00:00Z'), to: new Date('2026-11-01T00:00:00Z') };
const ragged = { from: new Date('2026-10-01T17:05:00Z'), to: new Date('2026-10-31T14:25:00Z') };
const questions: [string, CostStatsRequest][] = [
  ['totals', { window }],
  ['totals of ragged days', { window: ragged }],
  ['by day', { window, bucket: 'DAY' }],
  ['by model, by hour', { window, groupBy: ['MODEL'], bucket: 'HOUR' }],
  ['of one model, by day', { window, model: 'model-1', bucket: 'DAY' }],
  ['by user', { window, groupBy: ['USER'] }],
  ['by user of ragged days', { window: ragged, groupBy: ['USER'] }],
  ['by user and model, by day', { window, groupBy: ['USER', 'MODEL'], bucket: 'DAY' }],
  ['by user and kind', { window, groupBy: ['USER', 'KIND'] }],
  ['by prompt, version and variant', { window, groupBy: ['PROMPT', 'PROMPT_VERSION', 'VARIANT'] }],
  ['of one user, by day', { window, userId: 'user-7', bucket: 'DAY' }],
  ['of one hour, by minute', { window: { last: 'PT1H', to: window.to }, bucket: 'MINUTE' }],
];

/** Best and median of 7, in milliseconds. */
async function timesOf(operate: () => Promise<unknown>): Promise<string> {
  const times: number[] = [];
  for (let round = 0; round < 7; round++) {
    const started = performance.now();
    await operate();
    times.push(performance.now() - started);
  }
  times.sort((one, other) => one - other);
  return `${times[0]!.toFixed(0)} ${times[3]!.toFixed(0)}`.padEnd(12);
}

async function benchQuestions(ledger: Ledger, sources: string): Promise<void> {
  console.log(`statistics of a month of 1,000,000 records, ${sources}: best and median of 7, ms`);
  console.log(`  ${''.padEnd(32)} with percentiles, without`);
  for (const [name, question] of questions) {
    const whole = await timesOf(() => ledger.costStats(question));
    const sums = await timesOf(() => ledger.costStats({ ...question, percentiles: false }));
    console.log(`  ${name.padEnd(32)} ${whole}     ${sums}`);
  }
}

async function benchRollUps(database: Database, ledger: Ledger): Promise<void> {
  const times: number[] = [];
  for (let going = true; going; ) {
    const started = performance.now();
    going = await ledger.rollUpUsage();
    if (going) times.push(performance.now() - started);
  }
  const rows = await database.query<{ name: string; rows: number; size: string }>(
    `SELECT 'sums by ' || "set" AS "name", count(*)::int AS "rows", NULL AS "size" FROM "UsageRollUp" GROUP BY "set"
     UNION ALL SELECT 'sums', count(*), pg_size_pretty(pg_total_relation_size('"UsageRollUp"')) FROM "UsageRollUp"
     UNION ALL SELECT 'durations', count(*), pg_size_pretty(pg_total_relation_size('"UsageDurations"')) FROM "UsageDurations"
     UNION ALL SELECT 'records', count(*), pg_size_pretty(pg_total_relation_size('"UsageRecord"')) FROM "UsageRecord"`,
  );
  const total = times.reduce((sum, time) => sum + time, 0);
  console.log(
    `roll-ups: ${times.length} statements in ${(total / 1_000).toFixed(1)} s, the longest ${Math.max(...times).toFixed(0)} ms`,
  );
  for (const row of rows)
    console.log(`  ${row.name.padEnd(32)} ${row.rows} rows  ${row.size ?? ''}`);
  await database.query('VACUUM ANALYZE "UsageRollUp", "UsageDurations"');
}

/** What the triggers cost that watch over the roll-ups: a statement of many records, and many statements of one. */
async function benchTriggers(database: Database): Promise<void> {
  const statement = (from: string): string =>
    `INSERT INTO "UsageRecord" ("id", "runId", "requestId", "userId", "kind", "provider", "model", "inputTokens",
       "outputTokens", "cacheReadTokens", "cacheWriteTokens", "cost", "status", "durationMs", "createdAt")
     SELECT gen_random_uuid(), gen_random_uuid(), 'r', 'u', 'COMPLETION', 'p', 'm', 1, 1, 0, 0, 0.1, 'succeeded', 1, ${from}
     FROM generate_series(1, 10000)`;
  const inserts: [string, () => Promise<unknown>][] = [
    ['10,000 records of now', () => database.query(statement('clock_timestamp()'))],
    ['10,000 records of last year', () => database.query(statement(`now() - interval '1 year'`))],
    [
      '500 times one record',
      async () => {
        for (let index = 0; index < 500; index++) await insertRecords(database, [usageRecord()]);
      },
    ],
  ];
  console.log('inserts with and without the triggers: best and median of 7, ms');
  for (const [name, insert] of inserts) {
    const times: string[] = [];
    for (const state of ['ENABLE', 'DISABLE']) {
      await database.query(`ALTER TABLE "UsageRecord" ${state} TRIGGER USER`);
      await database.query('TRUNCATE "UsageRecord"');
      times.push(await timesOf(insert));
    }
    console.log(`  ${name.padEnd(32)} ${times.join('     ')}`);
  }
  await database.query('ALTER TABLE "UsageRecord" ENABLE TRIGGER USER');
  await clearLedger(database);
}

async function benchStatistics(database: Database): Promise<void> {
  await fillMonth(database);
  const ledger = openLedger(database);
  await benchQuestions(ledger, 'from the records alone');
  await benchRollUps(database, ledger);
  await benchQuestions(ledger, 'rolled up');
  const pages = async (after: string | null): Promise<number> => {
    const started = performance.now();
    await ledger.usageRecords({ first: 20, after });
    return performance.now() - started;
  };
  const deep = Buffer.from(`${Date.UTC(2026, 9, 2)}:${newId()}`).toString('base64url');
  await pages(deep);
  console.log(
    `  a page of usage records: first ${(await pages(null)).toFixed(1)}, deep ${(await pages(deep)).toFixed(1)}`,
  );
  await ledger.close();
}

const folder = await mkdtemp(path.join(tmpdir(), 'tessera-bench-'));
const embedded = await openDatabase({ dataDir: path.join(folder, 'database'), log: testLog });
await benchCalls(embedded);
await embedded.close();
await rm(folder, { recursive: true });

const serverUrl = process.env['TEST_DATABASE_URL'];
if (serverUrl) {
  const { url, drop } = await createServerDatabase(serverUrl);
  const database = await openDatabase({ url, log: testLog });
  await benchCalls(database);
  await benchTriggers(database);
  await benchStatistics(database);
  await database.close();
  await drop();
} else console.log('TEST_DATABASE_URL is not set: nothing on a server');
