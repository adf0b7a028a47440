import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Embedder } from '../../src/kernel/embedder.ts';
import { onnxEmbedder } from '../../src/tessera.ts';
import { checkPlugin } from '../../src/testing.ts';
import { describeEmbedder } from '../knowledge/embedders/embedder-contract.ts';
import { startTestServer } from '../support/start-test-server.ts';
import { testLog } from '../support/test-log.ts';
import { importTransformers } from './support/install-transformers.ts';
import { writeTinyModel } from './support/tiny-onnx-model.ts';

let folder = '';
let model = '';
let embedder: Embedder;
let close: (() => unknown) | undefined;
const plugin = (more: object = {}) =>
  onnxEmbedder({ transformers: importTransformers, model, ...more });

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tessera-onnx-'));
  model = path.join(folder, 'tiny-letters');
  await writeTinyModel(model);
  const parts = await plugin().setup({ knowledge: { search: async () => [] }, log: testLog });
  embedder = parts.embedders![0]!;
  close = parts.close;
}, 120_000);
afterAll(async () => {
  await close?.();
  await rm(folder, { recursive: true });
});

describeEmbedder('onnx-embedder', () => embedder);

test('it is named after its folder, and has the dimensions of its model', () => {
  expect(embedder).toMatchObject({ name: 'local/tiny-letters', dimensions: 32, weight: 0.5 });
});

test('a collection is embedded with it, free of charge under a budget', async () => {
  expect(await checkPlugin(plugin())).toEqual([]);
  await using server = await startTestServer({
    plugins: [plugin()],
    environment: { TESSERA_EMBEDDER: 'local/tiny-letters' },
  });
  await server.data(
    `mutation { setBudget(input: { subject: "admin", period: DAILY, limit: "0.01" }) { __typename } }`,
  );
  const documents = ['the lift of a wing', 'bread and cheese'].map((text, n) => ({
    source: `${n}`,
    text,
  }));
  const ingested = await server.data(
    `mutation ($input: IngestDocumentsInput!) { ingestDocuments(input: $input) { __typename } }`,
    { input: { collection: 'default', documents } },
  );
  expect(ingested).toEqual({ ingestDocuments: { __typename: 'IngestedDocuments' } });
  const found = await server.data(
    `{ collections { embeddingModel dimensions } search(input: { query: "wing lift", mode: SEMANTIC }) { source } }`,
  );
  expect(found).toEqual({
    collections: [{ embeddingModel: 'local/tiny-letters', dimensions: 32 }],
    search: [{ source: '0' }, { source: '1' }],
  });
});

test('prefixes go before each text', async () => {
  const prefixes = { query: 'query: ', document: 'passage: ' };
  const parts = await plugin({ prefixes }).setup({
    knowledge: { search: async () => [] },
    log: testLog,
  });
  const [prefixed] = parts.embedders!;
  const { vectors } = await prefixed!.embed(['lift'], { purpose: 'query' });
  const plain = await embedder.embed(['query: lift'], { purpose: 'document' });
  expect(vectors).toEqual(plain.vectors);
  await parts.close?.();
});

test('a server without the library, or the model, says so and does not start', async () => {
  const missing = onnxEmbedder({ model, transformers: () => import('no-such-package' as string) });
  expect(await checkPlugin(missing)).toEqual([
    expect.stringContaining('plugin "onnx-embedder": setup failed'),
  ]);
  const forgotten = onnxEmbedder({ model } as never);
  expect(await checkPlugin(forgotten)).toEqual([
    expect.stringContaining("must be () => import('@huggingface/transformers')"),
  ]);
  const empty = await mkdtemp(path.join(folder, 'empty-'));
  expect(await checkPlugin(plugin({ model: empty }))).toEqual([
    expect.stringContaining('plugin "onnx-embedder": setup failed'),
  ]);
});
