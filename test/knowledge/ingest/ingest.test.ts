import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '../../../src/data/database.ts';
import { everything } from '../../../src/kernel/access/readers.ts';
import { createKnowledge } from '../../../src/knowledge/create-knowledge.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { testLog } from '../../support/test-log.ts';
import { type AdminKnowledge, asAdmin } from '../support/as-admin.ts';
import { createCountingEmbedder } from '../support/counting-embedder.ts';

const embedder = createCountingEmbedder();
let database: Database & AsyncDisposable;
let knowledge: AdminKnowledge;
let collection = '';
let collections = 0;

beforeAll(async () => {
  database = await openTestDatabase();
  const defaultEmbedder = embedder.name;
  knowledge = asAdmin(
    createKnowledge({ database, embedders: [embedder], defaultEmbedder, log: testLog }),
  );
});
afterAll(async () => {
  await knowledge.close();
  await database[Symbol.asyncDispose]();
});
beforeEach(() => {
  collections += 1;
  collection = `collection ${collections}`;
  embedder.embedded = [];
  embedder.failing = false;
  embedder.before = async () => undefined;
});

const section = (name: string, count = 12): string =>
  `# ${name}\n\n${`The ${name} section says what ${name} is about. `.repeat(count)}`;
const guide = (...names: string[]): string => names.map((name) => section(name)).join('\n\n');
const ingest = (text: string, source = 'guide.md') =>
  knowledge.ingest({ collection, documents: [{ source, text }] });
const find = (query: string) => knowledge.search({ query, collection, mode: 'KEYWORD' });

interface Derived {
  documents: number;
  chunks: number;
  embeddings: number;
  postings: number;
  /** Postings and embeddings whose chunk is gone, and documents whose length is not their chunks'. */
  broken: number;
}
async function derived(): Promise<Derived> {
  const [row] = await database.query<Derived>(
    `WITH c AS (SELECT "id" FROM "Collection" WHERE "name" = $1)
     SELECT (SELECT count(*)::int FROM "Document" WHERE "collectionId" = (TABLE c)) AS documents,
       (SELECT count(*)::int FROM "Chunk" WHERE "collectionId" = (TABLE c)) AS chunks,
       (SELECT count(*)::int FROM "ChunkEmbedding" WHERE "collectionId" = (TABLE c)) AS embeddings,
       (SELECT count(*)::int FROM "Posting" WHERE "collectionId" = (TABLE c)) AS postings,
       (SELECT count(*)::int FROM "Posting" p WHERE NOT EXISTS (SELECT 1 FROM "Chunk" k WHERE k."id" = p."chunkId" AND k."termCount" = p."termCount"))
       + (SELECT count(*)::int FROM "Document" d WHERE d."termCount" <> (SELECT COALESCE(sum("termCount"), 0) FROM "Chunk" k WHERE k."documentId" = d."id")) AS broken`,
    [collection],
  );
  return row!;
}

describe('ingest', () => {
  it('stores, counts and finds', async () => {
    const result = await ingest(guide('lift', 'drag'));
    expect(result).toMatchObject({ created: 1, updated: 0, unchanged: 0, chunks: 2, rejected: [] });
    expect(result).toMatchObject({ billedTokens: 2, embedder: 'counting' });
    expect(result.documents[0]).toMatchObject({ source: 'guide.md', chunks: 2, collection });
    expect(await derived()).toMatchObject({ documents: 1, chunks: 2, embeddings: 2, broken: 0 });
    expect((await find('drag'))[0]?.headingPath).toEqual(['drag']);
  });

  it('embeds nothing again that has not changed, and replaces what has', async () => {
    await ingest(guide('lift', 'drag', 'thrust'));
    const before = await find('thrust');
    embedder.embedded = [];
    expect(await ingest(guide('lift', 'drag', 'thrust'))).toMatchObject({
      unchanged: 1,
      billedTokens: 0,
    });
    expect(embedder.embedded).toEqual([]);

    const changed = await ingest(guide('lift', 'weight', 'thrust'));
    expect(changed).toMatchObject({ updated: 1, created: 0, chunks: 3 });
    expect(embedder.embedded).toHaveLength(1);
    expect(await find('drag')).toEqual([]);
    const [after] = await find('thrust');
    expect(after?.chunkId).toBe(before[0]?.chunkId);
    expect(guide('lift', 'weight', 'thrust').slice(after?.startOffset, after?.endOffset)).toBe(
      after?.content,
    );
    expect(await derived()).toMatchObject({ documents: 1, chunks: 3, embeddings: 3, broken: 0 });
  });

  it('takes changed metadata and title without embedding the text again', async () => {
    await ingest(guide('lift', 'drag'));
    embedder.embedded = [];
    const documents = [{ source: 'guide.md', text: guide('lift', 'drag'), metadata: { year: 3 } }];
    expect(await knowledge.ingest({ collection, documents })).toMatchObject({ updated: 1 });
    expect(embedder.embedded).toEqual([]);
    expect((await find('lift'))[0]?.metadata).toEqual({ year: 3 });
  });

  it('removes everything derived with a document', async () => {
    const { documents } = await ingest(guide('lift', 'drag'));
    await ingest(guide('weight'), 'other.md');
    const deleted = await knowledge.deleteDocument(documents[0]!.id);
    expect(deleted.source).toBe('guide.md');
    expect(await find('lift')).toEqual([]);
    expect(await derived()).toMatchObject({ documents: 1, chunks: 1, embeddings: 1, broken: 0 });
    await expect(knowledge.deleteDocument(documents[0]!.id)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    await expect(knowledge.deleteDocument('no id')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('ends in one consistent state when the same source comes twice at once', async () => {
    const texts = Array.from({ length: 6 }, (_, n) =>
      guide('lift', `part${n}`, 'thrust', ...(n % 2 ? ['drag'] : [])),
    );
    await ingest(texts[0]!);
    await Promise.all(texts.map((text) => ingest(text)));
    const hits = await knowledge.search({ query: 'section', collection, topK: 50 });
    const [document] = (await knowledge.documents({ collection })).edges;
    const { text } = (await database.prisma.document.findUnique({
      where: { id: document!.node.id },
    }))!;
    expect(texts).toContain(text);
    for (const hit of hits) expect(text.slice(hit.startOffset, hit.endOffset)).toBe(hit.content);
    const chunks = text.includes('drag') ? 4 : 3;
    expect(hits).toHaveLength(chunks);
    expect(await derived()).toMatchObject({ documents: 1, chunks, embeddings: chunks, broken: 0 });
  });

  it('embeds once more when another ingest took chunks away between looking and storing', async () => {
    await ingest(guide('lift', 'drag'));
    let entered = false;
    embedder.before = async () => {
      if (entered) return;
      entered = true;
      await ingest(guide('weight'));
    };
    // "lift" and "drag" are known when this looks, and gone when it stores.
    expect(await ingest(guide('lift', 'drag', 'thrust'))).toMatchObject({ updated: 1, chunks: 3 });
    expect(await derived()).toMatchObject({ chunks: 3, embeddings: 3, broken: 0 });
  });

  it('takes text that repeats, in one document or several, without embedding it again', async () => {
    const line = 'the same line, again and again, as machines write them\n';
    const lines = (count: number): string => line.repeat(count);
    const chunks = (await ingest(lines(60))).chunks;
    embedder.embedded = [];
    expect((await ingest(lines(120))).chunks).toBeGreaterThan(chunks);
    const text = lines(60);
    const documents = ['guide.md', 'copy.md', 'other.md'].map((source) => ({ source, text }));
    expect(await knowledge.ingest({ collection, documents })).toMatchObject({
      created: 2,
      updated: 1,
    });
    expect(embedder.embedded.length).toBeLessThan(chunks);
    expect(await derived()).toMatchObject({
      chunks: 3 * chunks,
      embeddings: 3 * chunks,
      broken: 0,
    });
  });

  it('stores nothing of a batch whose embedding fails, and keeps what was there', async () => {
    await ingest(guide('lift'));
    embedder.failing = true;
    await expect(ingest(guide('drag'))).rejects.toMatchObject({ code: 'EMBEDDING_UNAVAILABLE' });
    expect((await find('lift')).length).toBe(1);
    expect(await derived()).toMatchObject({ documents: 1, chunks: 1, broken: 0 });
  });

  it('reports what it refuses, by document, and stores the rest', async () => {
    const refused = [
      { source: 'empty', text: ' \n ' },
      { source: 'nul', text: 'a\0b' },
      { source: 'half', text: 'a\ud83d' },
      { source: 'huge', text: 'x'.repeat(10_000_001) },
      { source: 'list', text: 'x', metadata: [1] },
      { source: 'nul in metadata', text: 'x', metadata: { a: ['\0'] } },
      { source: '', text: 'x' },
      { source: 'title', title: '\0', text: 'x' },
    ];
    const documents = [
      ...refused,
      { source: 'fine', text: section('lift'), metadata: { path: '\\u0000' } },
    ];
    const result = await knowledge.ingest({ collection, documents });
    expect(
      result.rejected.map(({ source, issues }) => [source, issues.map((i) => i.path[0])]),
    ).toEqual([
      ['empty', ['text']],
      ['nul', ['text']],
      ['half', ['text']],
      ['huge', ['text']],
      ['list', ['metadata']],
      ['nul in metadata', ['metadata']],
      ['', ['source']],
      ['title', ['title']],
    ]);
    expect(result.documents.map(({ source }) => source)).toEqual(['fine']);
    expect(await derived()).toMatchObject({ documents: 1 });
  });

  it('tells progress, and stops when aborted', async () => {
    const documents = Array.from({ length: 70 }, (_, n) => ({
      source: `d${n}`,
      text: section(`s${n}`),
    }));
    const seen: number[] = [];
    const controller = new AbortController();
    const ingesting = knowledge.ingest(
      { collection, documents },
      {
        signal: controller.signal,
        onProgress: (done, total) => {
          expect(total).toBe(70);
          seen.push(done);
          if (seen.length === 2) controller.abort(new Error('enough'));
        },
      },
    );
    await expect(ingesting).rejects.toThrow('enough');
    expect(seen).toEqual([32, 64]);
    expect(await derived()).toMatchObject({ documents: 64, broken: 0 });
  });

  it('lists collections and pages documents', async () => {
    const documents = Array.from({ length: 5 }, (_, n) => ({
      source: `d${n}`,
      text: section(`s${n}`),
    }));
    await knowledge.ingest({ collection, documents });
    const record = (await knowledge.collections()).find(({ name }) => name === collection);
    expect(record).toMatchObject({
      documents: 5,
      chunks: 5,
      embeddingModel: 'counting',
      dimensions: 512,
    });
    const first = await knowledge.documents({ collection, first: 3 });
    expect(first).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
    const rest = await knowledge.documents({ collection, first: 3, after: first.edges[2]!.cursor });
    expect([...first.edges, ...rest.edges].map(({ node }) => node.source)).toEqual([
      'd0',
      'd1',
      'd2',
      'd3',
      'd4',
    ]);
    const ids = rest.edges.map(({ node }) => node.id);
    const byId = await knowledge.documentsById([ids[1]!, 'none', ids[0]!], everything);
    expect(byId.map((each) => each?.source ?? null)).toEqual(['d4', null, 'd3']);
  });
});

describe('without the embedder', () => {
  it('searches by keywords, and says so for a search by meaning', async () => {
    await ingest(guide('lift'));
    embedder.failing = true;
    expect((await knowledge.search({ query: 'lift', collection })).length).toBe(1);
    const semantic = knowledge.search({ query: 'lift', collection, mode: 'SEMANTIC' });
    await expect(semantic).rejects.toMatchObject({ code: 'EMBEDDING_UNAVAILABLE' });
  });

  it('refuses to ingest into a collection whose embedder is not configured', async () => {
    await ingest(guide('lift'));
    const other = asAdmin(
      createKnowledge({
        database,
        embedders: [],
        defaultEmbedder: 'hash-512',
        log: testLog,
      }),
    );
    const documents = [{ source: 'a', text: 'b' }];
    await expect(other.ingest({ collection, documents })).rejects.toMatchObject({
      code: 'EMBEDDING_UNAVAILABLE',
    });
    expect((await other.search({ query: 'lift', collection })).length).toBe(1);
    await other.close();
  });
});
