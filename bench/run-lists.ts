// npm run bench:runs -- RUNS…: the first page of the list of runs, by each filter, alone and with a span of time. Embedded,
// or on an empty database of its own at DATABASE_URL.

import type { Database } from '../src/data/database.ts';
import { openDatabase } from '../src/data/open-database.ts';
import { listRuns } from '../src/runs/listing/list-runs.ts';
import type { RunFilter } from '../src/runs/runs.ts';
import { benchLog as log } from './bench-log.ts';

const batch = 20_000;
const secondsApart = 25;
const start = Date.UTC(2026, 0, 1);

/** Run number i: values of all frequencies, mixed evenly over time. */
const fill = `
  INSERT INTO "Run" (id, kind, status, "userId", "requestId", input, model, agent, "createdAt", "finishedAt", text, error,
    tags, "promptName", "conversationId", cost)
  SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '70008000' || lpad(to_hex(i), 12, '0'))::uuid,
    CASE WHEN i % 1000 = 0 THEN 'EMBEDDING' WHEN i % 20 = 0 THEN 'AGENT' WHEN i % 10 = 1 THEN 'ANSWER' ELSE 'COMPLETION' END,
    CASE WHEN i % 500 = 0 THEN 'FAILED' WHEN i % 300 = 1 THEN 'CANCELLED' ELSE 'SUCCEEDED' END,
    'user' || i % 1000, 'request',
    jsonb_build_object('prompt', jsonb_build_object('text', 'question ' || i || ' about topic' || i % 97 || ' in town' || i % 5003)),
    CASE WHEN i % 3000 = 0 THEN 'openai/rare' WHEN i % 3 = 0 THEN 'claude-opus-5-5' ELSE 'claude-haiku-5-5' END,
    CASE WHEN i % 20 = 0 THEN 'agent' || i % 7 END, at, at + interval '2 seconds',
    'answer ' || i || ' ' || repeat('lorem ipsum dolor ', 20),
    CASE WHEN i % 500 = 0 THEN '{"code":"MODEL_OVERLOADED"}'::jsonb END,
    CASE WHEN i % 1000 = 7 THEN ARRAY['rare', 'team' || i % 5] WHEN i % 2 = 0 THEN ARRAY['team' || i % 5] ELSE '{}' END,
    CASE WHEN i % 4 = 0 THEN 'prompt' || i % 40 END,
    CASE WHEN i % 8 = 0 THEN ('00000000-0000-7000-8000-' || lpad(to_hex(i / 80), 12, '0'))::uuid END,
    0.0001 + i % 1000 * 0.00001 + CASE WHEN i % 997 = 0 THEN 2 ELSE 0 END
  FROM generate_series($1::int, $2::int) AS i,
    LATERAL (SELECT to_timestamp($3) + i * interval '${secondsApart} seconds' AS at) AS moment`;

async function fillWith(database: Database, runs: number): Promise<void> {
  for (let first = 0; first < runs; first += batch) {
    const last = Math.min(runs, first + batch) - 1;
    await database.query(fill, [first, last, start / 1_000]);
  }
  await database.query(
    `INSERT INTO "RunTag" SELECT tag, "createdAt", id FROM "Run", unnest(tags) AS tag`,
  );
  for (const table of ['Run', 'RunTag']) await database.query(`VACUUM ANALYZE "${table}"`);
}

const filters: Record<string, RunFilter> = {
  'no filter': {},
  'kind, common': { kinds: ['COMPLETION'] },
  'kind, 1 in 1,000': { kinds: ['EMBEDDING'] },
  'two kinds': { kinds: ['EMBEDDING', 'ANSWER'] },
  'status, common': { statuses: ['SUCCEEDED'] },
  'two statuses, 1 in 200': { statuses: ['FAILED', 'CANCELLED'] },
  user: { userId: 'user77' },
  'model, common': { model: 'claude-haiku-5-5' },
  'model, 1 in 3,000': { model: 'openai/rare' },
  prompt: { prompt: 'prompt4' },
  agent: { agent: 'agent3' },
  conversation: { conversationId: '00000000-0000-7000-8000-000000000005' },
  'tag, 1 in 10': { tags: ['team0'] },
  'tag, 1 in 1,000': { tags: ['rare'] },
  'two tags': { tags: ['team2', 'rare'] },
  'error code': { errorCode: 'MODEL_OVERLOADED' },
  'cost, common': { minCost: '0.005' },
  'cost, 1 in 1,000': { minCost: '1' },
  'text, 1 in 5,000': { text: 'town17' },
  'text, 1 in 97': { text: 'topic17' },
  'text, in all': { text: 'lorem ipsum' },
};

async function bestOf(times: number, work: () => Promise<unknown>): Promise<string> {
  let best = Number.POSITIVE_INFINITY;
  for (let time = 0; time < times; time++) {
    const from = performance.now();
    await work();
    best = Math.min(best, performance.now() - from);
  }
  return best.toFixed(1);
}

async function measure(runs: number): Promise<Record<string, string[]>> {
  const url = process.env['DATABASE_URL'];
  const database = await openDatabase({ ...(url ? { url } : { dataDir: 'memory://' }), log });
  const middle = start + (runs / 2) * secondsApart * 1_000;
  const span = {
    createdAfter: new Date(middle - runs * secondsApart * 50),
    createdBefore: new Date(middle),
  };
  try {
    await fillWith(database, runs);
    const rows: Record<string, string[]> = {};
    for (const [name, filter] of Object.entries(filters)) {
      const alone = await bestOf(5, () => listRuns(database, { filter }));
      const within = await bestOf(5, () => listRuns(database, { filter: { ...filter, ...span } }));
      rows[name] = [alone, within];
    }
    return rows;
  } finally {
    await database.query('TRUNCATE "Run", "RunTag"');
    await database.close();
  }
}

const sizes = process.argv.slice(2).map(Number);
const columns = sizes.flatMap((runs) => [`${runs} runs, ms`, 'with time']);
console.log(`| filter | ${columns.join(' | ')} |\n| --- |${' --- |'.repeat(columns.length)}`);
const measured: Record<string, string[]>[] = [];
for (const runs of sizes) measured.push(await measure(runs));
for (const name of Object.keys(filters)) {
  console.log(`| ${name} | ${measured.flatMap((rows) => rows[name]!).join(' | ')} |`);
}
