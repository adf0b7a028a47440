// npm run bench:retrieval -- FOLDER… : ranks the questions of judged collections in BEIR layout, through the GraphQL API.
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { mean, ndcg, quantile, recall } from '../src/cli/calibrate/ranking-metrics.ts';
import type { ApiClient } from '../src/cli/create-api-client.ts';
import { batchDocuments } from '../src/cli/ingest/batch-documents.ts';
import {
  CollectionSettingsDocument,
  IngestBatchDocument,
  RankedSourcesDocument,
  type SearchInput,
} from '../src/cli/operations/operations.generated.ts';
import { type JudgedCollection, readJudgedCollection } from './retrieval-collection.ts';
import { startBenchServer } from './start-bench-server.ts';

const depth = 10;
const collection = 'bench';

async function* documentsOf({ documents }: JudgedCollection) {
  for (const { id, title, text } of documents) yield { source: id, title, text };
}

async function ingest(client: ApiClient, judged: JudgedCollection): Promise<string> {
  const started = performance.now();
  let chunks = 0;
  let refused = 0;
  for await (const batch of batchDocuments(documentsOf(judged), {
    bytes: 500_000,
    documents: 50,
  })) {
    const variables = { collection, documents: batch };
    const { ingestDocuments: result } = await client.execute(IngestBatchDocument, variables);
    if (!('chunks' in result)) throw new Error(`the ingest failed: ${JSON.stringify(result)}`);
    chunks += result.chunks;
    refused += result.rejected.length;
  }
  const rate = (chunks / (performance.now() - started)) * 1_000;
  return `${chunks} chunks, ${rate.toFixed(0)} chunks/s${refused > 0 ? `, ${refused} refused` : ''}`;
}

/** A row of the table: means over the questions, and how long a request took. */
async function rank(
  client: ApiClient,
  { questions }: JudgedCollection,
  [label, settings]: readonly [string, Partial<SearchInput>],
): Promise<string> {
  const scores: { ndcg: number; recall: number; ms: number }[] = [];
  for (const { text: query, judged } of questions) {
    const started = performance.now();
    const input = { query, collection, topK: 50, ...settings };
    const { search } = await client.execute(RankedSourcesDocument, { input });
    const ms = performance.now() - started;
    const documents = [...new Set(search.map(({ source }) => source))];
    scores.push({
      ndcg: ndcg(documents, judged, depth),
      recall: recall(documents, judged, depth),
      ms,
    });
  }
  const ms = scores.map((score) => score.ms);
  const of = (name: 'ndcg' | 'recall'): string => mean(scores.map((s) => s[name])).toFixed(4);
  const latency = `${quantile(ms, 0.5).toFixed(1)} / ${quantile(ms, 0.95).toFixed(1)}`;
  return `| ${label} | ${of('ndcg')} | ${of('recall')} | ${latency} |`;
}

/** Until the latent space is there; a collection that is too small for one has none. */
async function fitted(client: ApiClient): Promise<boolean> {
  for (let waited = 0; waited < 600; waited++) {
    const { collections } = await client.execute(CollectionSettingsDocument, {});
    const { chunks, latentChunks } = collections.find(({ name }) => name === collection)!;
    if (latentChunks === chunks) return true;
    if (chunks < 500) return false;
    await wait(500);
  }
  throw new Error('no latent space was fitted within five minutes');
}

const rows: readonly (readonly [string, Partial<SearchInput>])[] = [
  ['KEYWORD', { mode: 'KEYWORD' }],
  ['SEMANTIC', { mode: 'SEMANTIC' }],
  ['HYBRID without latent space', { latentWeight: 0 }],
];

async function bench(folder: string): Promise<void> {
  const judged = await readJudgedCollection(folder);
  const { documents, questions } = judged;
  const { client, stop } = await startBenchServer();
  console.log(
    `\n## ${path.basename(folder)}: ${documents.length} documents, ${questions.length} questions`,
  );
  console.log(`${await ingest(client, judged)}\n`);
  console.log(
    `| mode | nDCG@${depth} | recall@${depth} | ms p50 / p95 |\n| --- | --- | --- | --- |`,
  );
  const hasLatentSpace = await fitted(client);
  for (const row of rows) console.log(await rank(client, judged, row));
  if (hasLatentSpace) console.log(await rank(client, judged, ['HYBRID', {}]));
  await stop();
}

for (const folder of process.argv.slice(2)) await bench(folder);
