// npm run bench:retrieval:scale -- CHUNKS… : ingest and search of made-up collections, embedded or on DATABASE_URL. LATENT=off
// leaves the latent space out, which takes its time for 100,000 chunks.

import { quantile } from '../src/cli/calibrate/ranking-metrics.ts';
import type { Database } from '../src/data/database.ts';
import { openDatabase } from '../src/data/open-database.ts';
import { everything } from '../src/kernel/access/readers.ts';
import { createKnowledge, type KnowledgeRoom } from '../src/knowledge/create-knowledge.ts';
import { benchLog as log } from './bench-log.ts';
import { article, question } from './made-up-text.ts';

const by = everything;
/** One of its own: the server may hold others. */
const collection = `scale ${process.pid}`;

async function remove(database: Database): Promise<void> {
  const [row] = await database.query<{ id: string }>(
    `DELETE FROM "Collection" WHERE "name" = $1 RETURNING "id"`,
    [collection],
  );
  await database.query(`DELETE FROM "Posting" WHERE "collectionId" = $1`, [row?.id]);
}

async function fill(knowledge: KnowledgeRoom, chunks: number): Promise<number> {
  let made = 0;
  let milliseconds = 0;
  for (let batch = 0; made < chunks; batch++) {
    const documents = Array.from({ length: 100 }, (_, n) => ({
      source: `${batch}/${n}`,
      text: article(),
      metadata: { batch, rare: n === 0, third: n % 3 },
    }));
    const started = performance.now();
    made += (await knowledge.ingest({ collection, documents }, { by })).chunks;
    milliseconds += performance.now() - started;
  }
  return (made / milliseconds) * 1_000;
}

async function latency(knowledge: KnowledgeRoom, request: object): Promise<string> {
  const times: number[] = [];
  for (let n = 0; n < 120; n++) {
    const query = question();
    const started = performance.now();
    await knowledge.search({ query, collection, reader: by, ...request });
    if (n >= 20) times.push(performance.now() - started);
  }
  return `${quantile(times, 0.5).toFixed(1)} / ${quantile(times, 0.95).toFixed(1)}`;
}

console.log(
  '| chunks | ingest, chunks/s | keyword p50/p95 ms | semantic | hybrid | hybrid, 1 % filter | hybrid, 33 % filter |',
);
console.log('| --- | --- | --- | --- | --- | --- | --- |');
for (const chunks of process.argv.slice(2).map(Number)) {
  const url = process.env['DATABASE_URL'];
  const database = await openDatabase({ ...(url ? { url } : { dataDir: 'memory://' }), log });
  const room = { database, embedders: [], defaultEmbedder: 'hash-512', log };
  const knowledge = createKnowledge({ ...room, latent: process.env['LATENT'] !== 'off' });
  const row = [chunks, (await fill(knowledge, chunks)).toFixed(0)];
  await knowledge.settled();
  row.push(
    await latency(knowledge, { mode: 'KEYWORD' }),
    await latency(knowledge, { mode: 'SEMANTIC' }),
  );
  row.push(await latency(knowledge, {}), await latency(knowledge, { filter: { rare: true } }));
  row.push(await latency(knowledge, { filter: { third: 1 } }));
  console.log(`| ${row.join(' | ')} |`);
  await knowledge.close();
  await remove(database);
  await database.close();
}
