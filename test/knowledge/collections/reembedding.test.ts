import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { Database } from '../../../src/data/database.ts';
import { createKnowledge } from '../../../src/knowledge/create-knowledge.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { testLog } from '../../support/test-log.ts';
import { type AdminKnowledge, asAdmin } from '../support/as-admin.ts';
import { createCountingEmbedder } from '../support/counting-embedder.ts';

const former = createCountingEmbedder('former');
const next = createCountingEmbedder('next');
const bills: { tokens: number; userId: string }[] = [];
let database: Database & AsyncDisposable;
let knowledge: AdminKnowledge;
let collection = '';
let collections = 0;

const open = (): AdminKnowledge =>
  asAdmin(
    createKnowledge({
      database,
      log: testLog,
      embedders: [former, next],
      defaultEmbedder: 'former',
      meterReembedding: (userId) => (embedder) => ({
        ...embedder,
        async embed(texts, options) {
          const result = await embedder.embed(texts, options);
          bills.push({ tokens: result.billedTokens, userId });
          return result;
        },
      }),
    }),
  );

beforeAll(async () => {
  database = await openTestDatabase();
  knowledge = open();
});
afterAll(async () => {
  vi.useRealTimers();
  await knowledge.close();
  await database[Symbol.asyncDispose]();
});
beforeEach(async () => {
  collection = `collection ${++collections}`;
  for (const embedder of [former, next]) {
    embedder.embedded = [];
    embedder.failing = false;
    embedder.before = async () => undefined;
  }
  bills.length = 0;
  await ingest('tea.md', 'tiles.md');
});

const textOf = (source: string): string => `# ${source}\n\n${`All about ${source}. `.repeat(20)}`;
const ingest = (...sources: string[]) =>
  knowledge.ingest({
    collection,
    documents: sources.map((source) => ({ source, text: textOf(source) })),
  });
const change = (embeddingModel: string) =>
  knowledge.updateCollection({ name: collection, embeddingModel }, 'ada');
const nearest = async (query: string): Promise<string[]> => {
  const hits = await knowledge.search({ query, collection, mode: 'SEMANTIC', topK: 50 });
  return hits.map(({ source }) => source);
};
const described = async () =>
  (await knowledge.collections()).find(({ name }) => name === collection)!;
const vectorsOf = async (embedder: string): Promise<number> => {
  const rows = await database.query(
    `SELECT 1 FROM "ChunkEmbedding" e JOIN "Collection" c ON c."id" = e."collectionId"
     WHERE c."name" = $1 AND e."embedder" = $2`,
    [collection, embedder],
  );
  return rows.length;
};

test('the former vectors serve until the last new one is there, then they go', async () => {
  const gate = Promise.withResolvers<void>();
  next.before = () => gate.promise;
  const { chunks } = await described();
  expect(await change('next')).toMatchObject({
    embeddingModel: 'former',
    reembedding: { embeddingModel: 'next', chunks: 0, problem: null },
  });
  expect(await nearest('about tea')).toContain('tea.md');
  gate.resolve();
  await expect.poll(described).toMatchObject({ embeddingModel: 'next', reembedding: null });
  expect(next.embedded).toEqual(former.embedded);
  expect(bills).toEqual([{ tokens: chunks, userId: 'ada' }]);
  expect(await nearest('about tea')).toContain('tea.md');
  await ingest('ink.md');
  expect(await vectorsOf('next')).toBe(chunks + chunks / 2);
  await database.query(`UPDATE "Collection" SET "reembedLeaseUntil" = NULL`);
  await change('next');
  await knowledge.settled();
  expect(await vectorsOf('former')).toBe(0);
});

test('what is ingested while it goes on has its vector when the new one takes over', async () => {
  const gate = Promise.withResolvers<void>();
  next.before = () => gate.promise;
  await change('next');
  await ingest('ink.md', 'oil.md');
  gate.resolve();
  await knowledge.settled();
  expect(new Set(await nearest('about ink'))).toEqual(
    new Set(['ink.md', 'oil.md', 'tea.md', 'tiles.md']),
  );
  expect(await vectorsOf('next')).toBe((await described()).chunks);
});

test('an ingest that began before the change ends with the new vectors', async () => {
  const gate = Promise.withResolvers<void>();
  former.before = () => gate.promise;
  const ingesting = ingest('ink.md');
  await change('next');
  await expect.poll(described).toMatchObject({ embeddingModel: 'next' });
  gate.resolve();
  expect(await ingesting).toMatchObject({ created: 1 });
  expect(await nearest('about ink')).toContain('ink.md');
  expect(await vectorsOf('next')).toBe((await described()).chunks);
});

test('an embedder that fails is named as the problem; asking again tries at once', async () => {
  next.failing = true;
  await change('next');
  await knowledge.settled();
  expect(await described()).toMatchObject({
    embeddingModel: 'former',
    reembedding: { problem: 'The embedder is down.' },
  });
  expect(await nearest('about tea')).toContain('tea.md');
  next.failing = false;
  await change('former');
  expect(await described()).toMatchObject({ reembedding: null });
  await change('next');
  await knowledge.settled();
  expect(await described()).toMatchObject({ embeddingModel: 'next' });
});

test('what one server left is gone on with by the next, without making a vector twice', async () => {
  const gate = Promise.withResolvers<void>();
  await ingest(...Array.from({ length: 100 }, (_, n) => `${n}.md`));
  next.before = async () => {
    if (next.embedded.length > 0) await gate.promise;
  };
  await change('next');
  await expect.poll(() => vectorsOf('next')).toBe(64);
  const closing = knowledge.close();
  gate.resolve();
  await closing;
  knowledge = open();
  await expect.poll(described).toMatchObject({ embeddingModel: 'next' });
  expect(new Set(next.embedded).size).toBe((await described()).chunks);
});

test('an unknown embedder or collection is refused with what there is', async () => {
  await expect(change('nothing')).rejects.toMatchObject({
    code: 'EMBEDDING_UNAVAILABLE',
    message: expect.stringContaining('"former"'),
  });
  await expect(
    knowledge.updateCollection({ name: 'nowhere', embedderWeight: 1 }, 'ada'),
  ).rejects.toMatchObject({ code: 'COLLECTION_NOT_FOUND' });
});
