import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Database } from '../../../src/data/database.ts';
import { createStatisticsCache } from '../../../src/knowledge/collections/collection-statistics.ts';
import { createKnowledge } from '../../../src/knowledge/create-knowledge.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { testLog } from '../../support/test-log.ts';
import { type AdminKnowledge, asAdmin } from '../support/as-admin.ts';

let database: Database & AsyncDisposable;
let watched: Database;
let knowledge: AdminKnowledge;
let collection = '';
let collections = 0;
/** What comes between two transactions of an ingest, once so many are done. */
let between: { after: number; work: () => Promise<unknown> } | null = null;

const openKnowledge = (on: Database): AdminKnowledge =>
  asAdmin(
    createKnowledge({
      database: on,
      embedders: [],
      defaultEmbedder: 'hash-512',
      log: testLog,
      latent: false,
    }),
  );
beforeAll(async () => {
  database = await openTestDatabase();
  watched = {
    ...database,
    async transaction(work, settings) {
      const result = await database.transaction(work, settings);
      if (between && --between.after === 0) {
        const { work } = between;
        between = null;
        await work();
      }
      return result;
    },
  };
  knowledge = openKnowledge(watched);
});
afterAll(async () => {
  await knowledge.close();
  await database[Symbol.asyncDispose]();
});
beforeEach(() => {
  collections += 1;
  collection = `collection ${collections}`;
  between = null;
});

/** A word of its own for each number: names with digits in them are indexed in parts, too. */
const name = (prefix: string, n: number): string =>
  prefix + [...String(n)].map((digit) => 'abcdefghij'[Number(digit)]).join('');
const names = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, n) => name(prefix, n));
const section = (name: string): string =>
  `# ${name}\n\n${`Section ${name} says what ${name} is about. `.repeat(15)}`;
/** A chunk each: more than one transaction takes. */
const book = (...first: string[]): string => {
  return [...first, ...names('old', 105)].map(section).join('\n\n');
};
const ingest = (text: string, signal?: AbortSignal) =>
  knowledge.ingest(
    { collection, documents: [{ source: 'book.md', text }] },
    signal ? { signal } : {},
  );
const find = async (query: string): Promise<string[]> =>
  (await knowledge.search({ query, collection, mode: 'KEYWORD', topK: 100 })).map(
    ({ headingPath }) => headingPath[0] ?? '',
  );
const documents = async () =>
  (await knowledge.documents({ collection })).edges.map(({ node }) => node);

interface Stored {
  documents: number;
  chunks: number;
  staged: number;
  embeddings: number;
  postings: number;
  terms: number;
}
async function stored(): Promise<Stored> {
  const [row] = await database.query<Stored>(
    `WITH c AS (SELECT "id" FROM "Collection" WHERE "name" = $1)
     SELECT (SELECT count(*)::int FROM "Document" WHERE "collectionId" = (TABLE c)) AS documents,
       (SELECT COALESCE(sum("termCount"), 0)::int FROM "Document" WHERE "collectionId" = (TABLE c)) AS terms,
       (SELECT count(*)::int FROM "Chunk" WHERE "collectionId" = (TABLE c)) AS chunks,
       (SELECT count(*)::int FROM "Chunk" WHERE "collectionId" = (TABLE c) AND "staged") AS staged,
       (SELECT count(*)::int FROM "ChunkEmbedding" WHERE "collectionId" = (TABLE c)) AS embeddings,
       (SELECT count(*)::int FROM "Posting" WHERE "collectionId" = (TABLE c)) AS postings`,
    [collection],
  );
  return row!;
}
/** What a collection holds that has been given nothing but this text. */
async function storedAfresh(text: string): Promise<Stored> {
  const before = collection;
  collection = `afresh ${before}`;
  await ingest(text);
  const result = await stored();
  collection = before;
  return result;
}

test('nothing of it is there before all is', async () => {
  let seen: unknown;
  between = {
    after: 4,
    work: async () => {
      const { staged } = await stored();
      const [row] = await database.query<{ id: string }>(
        'SELECT "id" FROM "Collection" WHERE "name" = $1',
        [collection],
      );
      const counted = (await createStatisticsCache(database).of(row!.id)).documents;
      const found = await find('section');
      seen = { staged: staged > 0, found, documents: await documents(), counted };
    },
  };
  const text = book('lift');
  expect(await ingest(text)).toMatchObject({ created: 1, chunks: 106 });
  expect(seen).toEqual({ staged: true, found: [], documents: [], counted: 0 });
  expect(await find('lift')).toEqual(['lift']);
  expect(await documents()).toMatchObject([{ source: 'book.md', chunks: 106 }]);
  expect(await stored()).toMatchObject({ documents: 1, chunks: 106, staged: 0, embeddings: 106 });
  expect(await ingest(text)).toMatchObject({ unchanged: 1 });
});

test('the former text serves, whole, until the new one does', async () => {
  await ingest(book('lift', 'drag'));
  const before = await knowledge.search({ query: 'oldec', collection, mode: 'KEYWORD' });
  // So many new ones that they take more than one transaction.
  const text = book(...names('new', 70), 'drag');
  const seen: string[][] = [];
  between = {
    after: 4,
    work: async () => seen.push(await find('lift'), await find('newh'), await find('drag')),
  };
  expect(await ingest(text)).toMatchObject({ updated: 1 });
  expect(seen).toEqual([['lift'], [], ['drag']]);
  expect([await find('lift'), await find('newh'), await find('drag')]).toEqual([
    [],
    ['newh'],
    ['drag'], // biome-ignore format: as above
  ]);
  const [after] = await knowledge.search({ query: 'oldec', collection, mode: 'KEYWORD' });
  expect(after?.chunkId).toBe(before[0]?.chunkId);
  expect(text.slice(after?.startOffset, after?.endOffset)).toBe(after?.content);
  expect(await stored()).toEqual(await storedAfresh(text));
});

test('a search is not short for what is staged', async () => {
  await ingest(book());
  let seen: string[] = [];
  between = {
    after: 4,
    work: async () => {
      seen = (await knowledge.search({ query: 'section about', collection, topK: 40 })).map(
        ({ source }) => source,
      );
    },
  };
  const copy = { source: 'copy.md', text: book('copy') };
  await knowledge.ingest({ collection, documents: [copy] });
  expect(seen).toEqual(Array<string>(40).fill('book.md'));
});

test('one that is stopped leaves what was there', async () => {
  await ingest(book('lift'));
  const before = await stored();
  const stop = new AbortController();
  between = { after: 3, work: async () => stop.abort(new Error('enough')) };
  const other = book(...names('new', 80));
  await expect(ingest(other, stop.signal)).rejects.toThrow('enough');
  expect(await stored()).toEqual(before);
  collection = `new ${collection}`;
  const again = new AbortController();
  between = { after: 3, work: async () => again.abort(new Error('enough')) };
  await expect(ingest(other, again.signal)).rejects.toThrow('enough');
  expect(await stored()).toMatchObject({ documents: 0, chunks: 0, postings: 0 });
});

test('what a dead process left goes at the next start', async () => {
  await ingest(book('lift'));
  const before = await stored();
  const died = new Error('the process died');
  let alive = true;
  const mortal: Database = {
    ...database,
    query: (...given) => (alive ? database.query(...given) : Promise.reject(died)),
    async transaction(work, settings) {
      if (!alive) throw died;
      const result = await database.transaction(work, settings);
      alive = (await stored()).staged < 64;
      return result;
    },
  };
  const dying = openKnowledge(mortal);
  const text = book(...names('new', 80));
  const given = { collection, documents: [{ source: 'book.md', text }] };
  await expect(dying.ingest(given)).rejects.toThrow('the process died');
  await dying.close();
  expect((await stored()).staged).toBe(64);
  // On a server another process may still be at it, so that only what is old goes.
  if (database.kind === 'postgres')
    await database.query(
      `UPDATE "Chunk" SET "id" = overlay("id"::text placing '00000000-0000' from 1 for 13)::uuid WHERE "staged"`,
    );
  await database.query(
    `DELETE FROM "Posting" p WHERE NOT EXISTS (SELECT 1 FROM "Chunk" c WHERE c."id" = p."chunkId")`,
  );
  const next = openKnowledge(database);
  await next.settled();
  await next.close();
  expect(await stored()).toEqual(before);
});

test.for(['staging', 'publishing'])(
  'of two at once the last to end wins, met when %s',
  async (when) => {
    await ingest(book('lift'));
    const [first, second] = [book(...names('first', 70)), book(...names('second', 80))];
    // One plan and three transactions of staging come before the first is published.
    between = { after: when === 'staging' ? 2 : 4, work: () => ingest(second) };
    expect(await ingest(first)).toMatchObject({ updated: 1 });
    expect(await stored()).toEqual(await storedAfresh(first));
    await Promise.all([ingest(second), ingest(first), ingest(second)]);
    const [hit] = await find('firsth secondh');
    expect(await stored()).toEqual(await storedAfresh(hit === 'firsth' ? first : second));
  },
);

test('one that is deleted meanwhile is stored all the same; its collection is not made anew', async () => {
  await ingest(book('lift'));
  const [document] = await documents();
  between = { after: 3, work: () => knowledge.deleteDocument(document!.id) };
  const text = book(...names('new', 70));
  await ingest(text);
  expect(await stored()).toEqual(await storedAfresh(text));
  between = { after: 3, work: () => knowledge.deleteCollection(collection) };
  await expect(ingest(book(...names('other', 70)))).rejects.toMatchObject({
    code: 'COLLECTION_NOT_FOUND',
  });
  const left = await database.query(
    `SELECT 1 FROM "Posting" p WHERE NOT EXISTS (SELECT 1 FROM "Chunk" c WHERE c."id" = p."chunkId")`,
  );
  expect(left).toEqual([]);
});
