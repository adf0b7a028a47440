import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../../src/data/database.ts';
import type { Embedder } from '../../../src/kernel/embedder.ts';
import { createKnowledge } from '../../../src/knowledge/create-knowledge.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { testLog } from '../../support/test-log.ts';
import { type AdminKnowledge, asAdmin } from '../support/as-admin.ts';

const dimensions = 16;
const rows = 6_000;

/** A text that begins with a number becomes the vector that number seeds: any number of vectors, known without the database. */
function vectorOf(text: string): number[] {
  let state = Number.parseInt(text, 10) * 2_654_435_761 + 1;
  const vector = Array.from({ length: dimensions }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  });
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}
let asked = 0;
const embedder: Embedder = {
  name: "it's-seeded",
  dimensions,
  weight: 0.5,
  embed: async (texts) => {
    asked += texts.length;
    return { vectors: texts.map(vectorOf), billedTokens: 0 };
  },
};

let database: Database & AsyncDisposable;
let indexScans = 0;
let knowledge: AdminKnowledge;
beforeAll(async () => {
  database = await openTestDatabase();
  const defaultEmbedder = embedder.name;
  const watched: Database = {
    ...database,
    transaction(work, settings) {
      if (settings?.['hnsw.ef_search']) indexScans += 1;
      return database.transaction(work, settings);
    },
  };
  // An index from 5,000 vectors on.
  const comparedNumbers = 5_000 * dimensions;
  knowledge = asAdmin(
    createKnowledge({
      database: watched,
      embedders: [embedder],
      defaultEmbedder,
      comparedNumbers,
      log: testLog,
    }),
  );
  const documents = Array.from({ length: rows }, (_, n) => ({
    source: String(n),
    text: `${n} common`,
    metadata: { rare: n % 600 === 0, half: n % 2 === 0 },
  }));
  await knowledge.ingest({ collection: 'numbers', documents });
  await knowledge.ingest({ collection: 'few', documents: documents.slice(0, 3) });
  await knowledge.settled();
}, 120_000);
afterAll(async () => {
  await knowledge.close();
  await database[Symbol.asyncDispose]();
});

const vectors = Array.from({ length: rows }, (_, n) => vectorOf(String(n)));
const query = 777_777;
const queries = Array.from({ length: 50 }, (_, n) => query + n * 1_013);
function nearest(
  count: number,
  passes: (n: number) => boolean,
  question: number = query,
): string[] {
  const target = vectorOf(String(question));
  const scored = vectors.flatMap((vector, n) =>
    passes(n) ? { n, near: vector.reduce((sum, value, at) => sum + value * target[at]!, 0) } : [],
  );
  return scored
    .sort((a, b) => b.near - a.near)
    .slice(0, count)
    .map(({ n }) => String(n));
}
interface Asked {
  query: number;
  topK: number;
  filter?: object | undefined;
  collection?: string;
}
const find = async (request: Asked) => {
  const asked = { collection: 'numbers', mode: 'SEMANTIC' as const, ...request };
  const hits = await knowledge.search({ ...asked, query: String(request.query) });
  return hits.map(({ source }) => source);
};
const search = async (topK: number, filter?: object, collection = 'numbers') =>
  find({ query, topK, filter, collection });
const recall = (found: string[], expected: string[]): number =>
  expected.filter((each) => found.includes(each)).length / expected.length;

describe('over more vectors than an exact scan reads', () => {
  it('has made an index, and the planner uses it', async () => {
    const [index] = await database.query<{ name: string }>(
      `SELECT indexname AS name FROM pg_indexes WHERE indexdef LIKE '%hnsw%'`,
    );
    expect(index?.name).toContain('it_s_seeded_16');
    await search(10);
    await database.query('SELECT pg_stat_force_next_flush()::text');
    const [used] = await database.query<{ scans: number }>(
      `SELECT idx_scan::int AS scans FROM pg_stat_all_indexes WHERE indexrelname = $1`,
      [index?.name],
    );
    expect(used?.scans).toBeGreaterThan(0);
  });

  it.each<[string, object | undefined, (n: number) => boolean]>([
    ['no filter', undefined, () => true],
    ['half passing', { half: true }, (n) => n % 2 === 0],
    ['all passing', { half: { exists: true } }, () => true],
    ['ten passing', { rare: true }, (n) => n % 600 === 0],
  ])('finds the nearest with %s, never too few', async (_, filter, passes) => {
    let sum = 0;
    for (const question of queries) {
      const found = await find({ query: question, topK: 10, filter });
      expect(found).toHaveLength(10);
      expect(found.every((source) => passes(Number(source)))).toBe(true);
      sum += recall(found, nearest(10, passes, question));
    }
    expect(sum / queries.length).toBeGreaterThanOrEqual(0.98);
    expect(await search(100, filter)).toHaveLength(filter && 'rare' in filter ? 10 : 100);
  });

  it.each<[string, object, string[]]>([
    ['half passing', { half: true }, ['1200', '38', '600']],
    ['all passing', { half: { exists: true } }, ['1200', '37', '38', '39', '600']],
    ['ten passing', { rare: true }, ['1200', '600']],
    ['none passing', { rare: 1 }, []],
  ])('finds by words what passes: %s', async (_, filter, expected) => {
    const request = { collection: 'numbers', mode: 'KEYWORD' as const, topK: 20, filter };
    const hits = await knowledge.search({ ...request, query: '37 38 39 600 1200' });
    expect(hits.map(({ source }) => source).sort()).toEqual(expected);
  });

  it.each([
    ['the words bring up too little', '', 0.2, 1],
    ['the words bring up enough', ' common', 0.2, 0],
    ['the embedder counts as much as words', ' common', 0.5, 1],
  ])('beside words, the index is asked or not: %s', async (_, words, embedderWeight, asked) => {
    const before = indexScans;
    const request = { collection: 'numbers', topK: 10, embedderWeight };
    const hits = await knowledge.search({ ...request, query: `${query}${words}` });
    expect(indexScans - before).toBe(asked);
    expect(hits).toHaveLength(10);
    if (words === '') expect(hits.map(({ source }) => source)).toEqual(nearest(10, () => true));
  });

  it('does not ask the embedder when nothing passes the filter', async () => {
    const before = asked;
    expect(await find({ query: 4_242, topK: 5, filter: { rare: 1 } })).toEqual([]);
    expect(asked).toBe(before);
    expect(await find({ query: 4_242, topK: 5 })).toHaveLength(5);
    expect(asked).toBe(before + 1);
  });

  it('finds what is not in the index yet, and puts it in afterwards', async () => {
    const waiting = async () =>
      (await database.query(`SELECT 1 FROM "ChunkEmbedding" WHERE "awaitsIndex"`)).length;
    expect(await waiting()).toBe(0);
    const near = Array.from({ length: 40 }, (_, n) => ({
      source: `near ${n}`,
      text: String(query),
      metadata: { near: true, half: n % 2 === 0 },
    }));
    await knowledge.ingest({ collection: 'numbers', documents: near });
    expect(await waiting()).toBeGreaterThan(0);
    const found = await search(20, { half: true });
    expect(found.every((source) => source.startsWith('near'))).toBe(true);
    await knowledge.settled();
    expect(await waiting()).toBe(0);
    expect((await search(40)).every((source) => source.startsWith('near'))).toBe(true);
  });

  it('does not starve a small collection that shares the index', async () => {
    expect((await search(10, undefined, 'few')).sort()).toEqual(['0', '1', '2']);
  });
});
