// npm run bench:retrieval -- FOLDER… : ranks the questions of judged collections in BEIR layout.
import path from 'node:path';
import { openDatabase } from '../src/data/open-database.ts';
import type { Log } from '../src/kernel/log.ts';
import { createKnowledge } from '../src/knowledge/create-knowledge.ts';
import type { Knowledge } from '../src/knowledge/knowledge.ts';
import { type JudgedCollection, readJudgedCollection } from './retrieval-collection.ts';
import { ndcg, quantile, recall } from './retrieval-metrics.ts';

const depth = 10;
const modes = ['KEYWORD', 'SEMANTIC', 'HYBRID'] as const;
const print = (fields: object, message: string): void => console.error(message, fields);
const log: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: print,
  error: print,
  child: () => log,
};

async function ingest(knowledge: Knowledge, collection: JudgedCollection): Promise<string> {
  const started = performance.now();
  const documents = collection.documents.map(({ id, title, text }) => ({
    source: id,
    title,
    // A judged collection may hold documents that are a title and nothing else.
    text: text.trim() === '' ? title || '.' : text,
  }));
  const result = await knowledge.ingest({ collection: 'bench', documents });
  const seconds = (performance.now() - started) / 1_000;
  const refused = result.rejected.length > 0 ? `, ${result.rejected.length} refused` : '';
  return `${result.chunks} chunks, ${(result.chunks / seconds).toFixed(0)} chunks/s${refused}`;
}

async function rank(
  knowledge: Knowledge,
  collection: JudgedCollection,
  mode: (typeof modes)[number],
  label: string = mode,
): Promise<string> {
  const scores: { ndcg: number; recall: number; ms: number }[] = [];
  for (const { text, judged } of collection.questions) {
    const started = performance.now();
    const hits = await knowledge.search({ query: text, collection: 'bench', topK: 50, mode });
    const ms = performance.now() - started;
    const documents = [...new Set(hits.map(({ source }) => source))];
    scores.push({
      ndcg: ndcg(documents, judged, depth),
      recall: recall(documents, judged, depth),
      ms,
    });
  }
  const mean = (of: (score: (typeof scores)[number]) => number): string =>
    (scores.reduce((sum, score) => sum + of(score), 0) / scores.length).toFixed(4);
  const ms = scores.map((score) => score.ms);
  const latency = `${quantile(ms, 0.5).toFixed(1)} / ${quantile(ms, 0.95).toFixed(1)}`;
  return `| ${label} | ${mean((s) => s.ndcg)} | ${mean((s) => s.recall)} | ${latency} |`;
}

for (const folder of process.argv.slice(2)) {
  const collection = await readJudgedCollection(folder);
  const database = await openDatabase({ dataDir: 'memory://', log });
  const room = { database, embedders: [], defaultEmbedder: 'hash-512', log };
  const knowledge = createKnowledge({ ...room, latent: false });
  console.log(
    `\n## ${path.basename(folder)}: ${collection.documents.length} documents, ${collection.questions.length} questions`,
  );
  console.log(`${await ingest(knowledge, collection)}\n`);
  console.log(
    `| mode | nDCG@${depth} | recall@${depth} | ms p50 / p95 |\n| --- | --- | --- | --- |`,
  );
  for (const mode of modes) console.log(await rank(knowledge, collection, mode));
  await knowledge.close();
  const latent = createKnowledge(room);
  await ingest(latent, collection);
  await latent.settled();
  console.log(await rank(latent, collection, 'HYBRID', 'HYBRID with latent space'));
  await latent.close();
  await database.close();
}
