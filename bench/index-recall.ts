// npm run bench:index-recall -- FOLDER (BEIR layout), on DATABASE_URL or embedded: of the passages nearest to each question,
// how many a search through the vector index finds, with and without a filter; and how long it takes.
import { mean, quantile } from '../src/cli/calibrate/ranking-metrics.ts';
import { openDatabase } from '../src/data/open-database.ts';
import { everything } from '../src/kernel/access/readers.ts';
import { createKnowledge, type KnowledgeRoom } from '../src/knowledge/create-knowledge.ts';
import { benchLog as log } from './bench-log.ts';
import { readJudgedCollection } from './retrieval-collection.ts';

const [folder = ''] = process.argv.slice(2);
const collection = 'index recall';
const by = everything;
const topK = 10;
const filters: Record<string, object | undefined> = {
  none: undefined,
  'one in 2': { two: 0 },
  'one in 10': { ten: 0 },
  'one in 100': { hundred: 0 },
  'one in 1,000': { thousand: 0 },
};

const { documents, questions } = await readJudgedCollection(folder);
const url = process.env['DATABASE_URL'];
const database = await openDatabase({ ...(url ? { url } : { dataDir: 'memory://' }), log });
const room = { database, embedders: [], defaultEmbedder: 'hash-512', latent: false, log };
const knowledge = createKnowledge(room);
/** The same, comparing with every vector. */
const exact = createKnowledge({ ...room, comparedNumbers: Number.POSITIVE_INFINITY });

async function fill(): Promise<number> {
  let chunks = 0;
  for (let start = 0; start < documents.length; start += 50) {
    const batch = documents.slice(start, start + 50).map(({ id, title, text }, index) => {
      const n = start + index;
      const metadata = { two: n % 2, ten: n % 10, hundred: n % 100, thousand: n % 1_000 };
      return { source: id, title, text, metadata };
    });
    chunks += (await knowledge.ingest({ collection, documents: batch }, { by })).chunks;
  }
  return chunks;
}

async function search(
  { search: ask }: KnowledgeRoom,
  request: { query: string; filter?: object | undefined },
): Promise<{ scores: number[]; ms: number }> {
  const started = performance.now();
  const found = await ask({ collection, topK, mode: 'SEMANTIC', reader: by, ...request });
  return { scores: found.map(({ score }) => score), ms: performance.now() - started };
}

/** Of the best `topK`; one as near as the last of them counts as one of them. */
function recallOf(found: readonly number[], best: readonly number[]): number {
  const last = best.at(-1) ?? 0;
  return best.length === 0 ? 1 : found.filter((score) => score >= last - 1e-6).length / best.length;
}

console.error(`${documents.length} documents, ${questions.length} questions`);
console.error(`${await fill()} chunks are stored`);
await knowledge.settled();
console.log('| filter | recall@10 | worst | short answers | ms p50 / p95 | exact, ms p50 |');
console.log('| --- | --- | --- | --- | --- | --- |');
for (const [name, filter] of Object.entries(filters)) {
  const recalls: number[] = [];
  const times: number[] = [];
  const exactTimes: number[] = [];
  let short = 0;
  for (const { text: query } of questions) {
    const best = await search(exact, { query, filter });
    const found = await search(knowledge, { query, filter });
    recalls.push(recallOf(found.scores, best.scores));
    if (found.scores.length < best.scores.length) short += 1;
    times.push(found.ms);
    exactTimes.push(best.ms);
  }
  const ms = (values: number[], share: number): string => quantile(values, share).toFixed(0);
  console.log(
    `| ${name} | ${mean(recalls).toFixed(4)} | ${Math.min(...recalls)} | ${short} | ${ms(times, 0.5)} / ${ms(times, 0.95)} | ${ms(exactTimes, 0.5)} |`,
  );
}
await knowledge.deleteCollection(collection, by);
await Promise.all([knowledge.close(), exact.close()]);
await database.close();
