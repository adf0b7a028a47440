// npm run bench:search-beside-stream -- CHUNKS: searches of the embedded database, and the gaps they leave in a stream of
// tokens that the same server tells.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { quantile } from '../src/cli/calibrate/ranking-metrics.ts';
import { createApiClient } from '../src/cli/create-api-client.ts';
import {
  CollectionSettingsDocument,
  IngestBatchDocument,
  RankedSourcesDocument,
} from '../src/cli/operations/operations.generated.ts';
import {
  type ServerProcess,
  startServerProcess,
} from '../test/runs/servers/support/server-process.ts';
import { article, question } from './made-up-text.ts';
import { adminKey, openSocket } from './open-socket.ts';
import { processorSeconds } from './process-usage.ts';
import { startProvider } from './start-provider.ts';

const collection = 'bench';
const everyMs = 20;
const searches = 300;
const COMPLETION = `subscription ($input: CompleteInput!) {
  completion(input: $input) { ... on TextDelta { text } ... on RunFinished { __typename } } }`;

/** When each frame with text came, until `stop`. */
async function followStream(url: string) {
  const socket = await openSocket(url);
  const times: number[] = [];
  socket.on('message', (data) => {
    if (String(data).includes('"text"')) times.push(performance.now());
  });
  const input = { prompt: { text: `[bench 1000000 ${everyMs}]` }, options: { cache: 'BYPASS' } };
  const operation = { query: COMPLETION, variables: { input } };
  socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: operation }));
  await delay(2_000);
  times.length = 0;
  return { times, stop: () => socket.terminate() };
}

const gapsOf = (times: readonly number[]): string => {
  const gaps = times.slice(1).map((time, index) => time - times[index]!);
  const at = (share: number): string => quantile(gaps, share).toFixed(1);
  return `p50 ${at(0.5)}, p99 ${at(0.99)}, longest ${Math.max(...gaps).toFixed(1)} ms`;
};

async function untilIdle(server: ServerProcess): Promise<void> {
  for (let before = await processorSeconds(server); ; ) {
    await delay(5_000);
    const now = await processorSeconds(server);
    if (now - before < 0.25) return;
    before = now;
  }
}

const [chunks = 10_000] = process.argv.slice(2).map(Number);
const folder = await mkdtemp(path.join(tmpdir(), 'tessera-bench-'));
const provider = await startProvider();
const server = await startServerProcess({
  DATA_DIR: path.join(folder, 'data'),
  ANTHROPIC_API_KEY: 'bench',
  ANTHROPIC_BASE_URL: provider.url,
  TESSERA_ADMIN_KEY: adminKey,
  RATE_LIMIT: 'off',
  LOG_LEVEL: 'error',
});
const signal = new AbortController().signal;
const client = createApiClient({ url: server.url, key: adminKey, signal, onWait: console.error });
try {
  const idle = await followStream(server.url);
  await delay(10_000);
  console.log(`nothing else: ${gapsOf(idle.times)}`);
  idle.times.length = 0;
  let made = 0;
  const started = performance.now();
  for (let batch = 0; made < chunks; batch++) {
    const documents = Array.from({ length: 50 }, (_, n) => ({
      source: `${batch}/${n}`,
      text: article(),
    }));
    const { ingestDocuments } = await client.execute(IngestBatchDocument, {
      collection,
      documents,
    });
    if (!('chunks' in ingestDocuments)) throw new Error(JSON.stringify(ingestDocuments));
    made += ingestDocuments.chunks;
  }
  const rate = (made / (performance.now() - started)) * 1_000;
  console.log(`ingest of ${made} chunks, ${rate.toFixed(0)}/s: ${gapsOf(idle.times)}`);
  idle.stop();
  await untilIdle(server);
  const { collections } = await client.execute(CollectionSettingsDocument, {});
  console.log(`${collections[0]?.latentChunks} chunks in the latent space`);
  const beside = await followStream(server.url);
  const times: number[] = [];
  for (let n = 0; n < searches; n++) {
    const begun = performance.now();
    const input = { query: question(), collection };
    await client.execute(RankedSourcesDocument, { input });
    if (n >= 50) times.push(performance.now() - begun);
  }
  const at = (share: number): string => quantile(times, share).toFixed(1);
  console.log(`hybrid search: p50 ${at(0.5)}, p95 ${at(0.95)}, p99 ${at(0.99)} ms`);
  console.log(`beside searches: ${gapsOf(beside.times)}`);
  beside.stop();
} finally {
  await server[Symbol.asyncDispose]();
  provider.stop();
  await rm(folder, { recursive: true, force: true });
}
