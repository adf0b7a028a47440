import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Database } from '../../../src/data/database.ts';
import { createKnowledge } from '../../../src/knowledge/create-knowledge.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { testLog } from '../../support/test-log.ts';
import { type AdminKnowledge, asAdmin } from '../support/as-admin.ts';

let database: Database & AsyncDisposable;
let knowledge: AdminKnowledge;
const collection = 'old';

const open = (): AdminKnowledge =>
  asAdmin(createKnowledge({ database, embedders: [], defaultEmbedder: 'hash-512', log: testLog }));

beforeEach(async () => {
  database = await openTestDatabase();
  knowledge = open();
});
afterEach(async () => {
  await knowledge.close();
  await database[Symbol.asyncDispose]();
});

const sources = async (query: string, mode: 'KEYWORD' | 'SEMANTIC'): Promise<string[]> =>
  (await knowledge.search({ query, collection, mode })).map(({ source }) => source);

/** The state that a release with other rules of indexing leaves. */
async function makeOutdated(): Promise<void> {
  await knowledge.settled();
  await knowledge.close();
  await database.query(`UPDATE "Chunk" SET "indexVersion" = 1, "termCount" = 1`);
  await database.query(`UPDATE "Posting" SET "term" = 'old' || "term"`);
  await database.query(
    `UPDATE "ChunkEmbedding" SET "embedding" = array_fill(0, ARRAY[512])::vector`,
  );
}

const lengths = async (): Promise<object[]> =>
  database.query(
    `SELECT c."termCount" AS chunk, d."termCount" AS document, c."indexVersion" AS version
     FROM "Chunk" c JOIN "Document" d ON d."id" = c."documentId" ORDER BY d."source", c."ordinal"`,
  );

test('chunks of an older release are found by words and vectors after a start', async () => {
  const documents = [
    { source: 'refund', text: '如果商品有质量问题请在七天之内联系客服办理退款手续' },
    { source: 'cpp', text: 'The C++ binding needs a compiler.' },
    {
      source: 'long',
      text: '# 保修\n\n'.concat('所有家电产品自签收之日起提供两年免费保修服务。\n\n'.repeat(200)),
    },
  ];
  await knowledge.ingest({ collection, documents });
  const before = await lengths();
  await makeOutdated();
  expect(await sources('退款', 'KEYWORD')).toEqual([]);

  knowledge = open();
  await knowledge.settled();
  expect(await sources('退款', 'KEYWORD')).toEqual(['refund']);
  expect(await sources('C++', 'KEYWORD')).toEqual(['cpp']);
  expect(new Set(await sources('家电保修', 'KEYWORD'))).toEqual(new Set(['long']));
  expect((await sources('办理退款', 'SEMANTIC'))[0]).toBe('refund');
  expect(await lengths()).toEqual(before);
});

test('texts that the rules leave as they were keep their postings', async () => {
  await knowledge.ingest({ collection, documents: [{ source: 'tea', text: 'Tea is a drink.' }] });
  await makeOutdated();
  knowledge = open();
  await knowledge.settled();
  expect(await sources('oldtea', 'KEYWORD')).toEqual(['tea']);
  expect(await database.query('SELECT 1 FROM "Chunk" WHERE "indexVersion" < 2')).toEqual([]);
});

test('a document that is deleted meanwhile is left out', async () => {
  const { documents } = await knowledge.ingest({
    collection,
    documents: [{ source: 'gone', text: '退款' }],
  });
  await makeOutdated();
  knowledge = open();
  await Promise.all([knowledge.deleteDocument(documents[0]!.id), knowledge.settled()]);
  expect(await database.query('SELECT 1 FROM "Posting"')).toEqual([]);
});
