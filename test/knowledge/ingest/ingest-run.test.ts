import { afterAll, beforeAll, expect, test } from 'vitest';
import { definePlugin } from '../../../src/tessera.ts';
import { startTestServer, type TestServer } from '../../support/start-test-server.ts';
import { createCountingEmbedder } from '../support/counting-embedder.ts';

const embedder = createCountingEmbedder();
const plugin = definePlugin({
  name: 'counting-embedder',
  version: '1.0.0',
  setup: () => ({ embedders: [embedder] }),
});
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    plugins: [plugin()],
    environment: { TESSERA_EMBEDDER: 'counting' },
  });
});
afterAll(() => server[Symbol.asyncDispose]());

interface Event {
  __typename: string;
  runId: string;
  cursor: string;
  documents: number;
  total: number;
  run?: { created: number; chunks: number; usage: { inputTokens: number }; status: string };
  error?: { code: string };
}
const fields = `__typename runId cursor ... on DocumentsIngested { documents total }
  ... on RunFinished { run { status usage { inputTokens } ... on IngestRun { created chunks } } }
  ... on RunFailed { error { code } }`;
const INGEST = `subscription ($input: IngestDocumentsInput!) { ingest(input: $input) { ${fields} } }`;
const EVENTS = `subscription ($id: ID!, $after: String) { runEvents(runId: $id, after: $after) { ${fields} } }`;
const MUTATION = `mutation ($input: IngestDocumentsInput!) { ingestDocuments(input: $input) {
  ... on IngestedDocuments { created unchanged documents { source } rejected { source } run { id status } }
  ... on Error { code } } }`;

const batch = (count: number, more: object = {}) => ({
  input: {
    collection: 'numbers',
    documents: Array.from({ length: count }, (_, n) => ({
      source: `${n}.md`,
      text: `The number ${n}.`,
    })),
    ...more,
  },
});

test('an ingest is a run that tells how far it is, and what its embedder billed', async () => {
  const events = await server.subscribe<Event>(INGEST, batch(70)).rest();
  expect(events[0]?.__typename).toBe('RunStarted');
  const progress = events.filter(({ __typename }) => __typename === 'DocumentsIngested');
  expect(progress.map(({ documents, total }) => [documents, total])).toEqual([
    [32, 70],
    [64, 70],
    [70, 70], // biome-ignore format: pairs
  ]);
  expect(events.at(-1)?.run).toEqual({
    status: 'SUCCEEDED',
    created: 70,
    chunks: 70,
    usage: { inputTokens: 70 },
  });
  const [, first] = events;
  const resumed = server.subscribe<Event>(EVENTS, { id: first!.runId, after: first!.cursor });
  expect((await resumed.rest()).map(({ documents }) => documents)).toEqual([64, 70, undefined]);
});

test('the mutation answers with the same, and with what it refused', async () => {
  const { input } = batch(3);
  const documents = [...input.documents.slice(0, 2), { source: 'empty.md', text: ' ' }];
  const { ingestDocuments } = await server.data<{ ingestDocuments: object }>(MUTATION, {
    input: { ...input, documents },
  });
  expect(ingestDocuments).toMatchObject({
    created: 0,
    unchanged: 2,
    documents: [{ source: '0.md' }, { source: '1.md' }],
    rejected: [{ source: 'empty.md' }],
    run: { status: 'SUCCEEDED' },
  });
});

test('it is cancelled like any run, and an idempotency key begins it once', async () => {
  const gate = Promise.withResolvers<void>();
  embedder.before = () => gate.promise;
  const options = { idempotencyKey: 'once' };
  const keyed = batch(40, { collection: 'others', options });
  const stream = server.subscribe<Event>(INGEST, keyed);
  const { runId } = await stream.take();
  const again = server.subscribe<Event>(INGEST, keyed);
  expect((await again.take()).runId).toBe(runId);
  const cancelled = server.data(`mutation ($id: ID!) { cancelRun(id: $id) { __typename } }`, {
    id: runId,
  });
  gate.resolve();
  await cancelled;
  expect((await stream.rest()).at(-1)?.error?.code).toBe('RUN_CANCELLED');
  embedder.before = async () => undefined;
});

test('a failing embedder is told as an error, and nothing is stored', async () => {
  embedder.failing = true;
  const { ingestDocuments } = await server.data<{ ingestDocuments: object }>(
    MUTATION,
    batch(2, { collection: 'none' }),
  );
  expect(ingestDocuments).toEqual({ code: 'EMBEDDING_UNAVAILABLE' });
  embedder.failing = false;
});
