import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../../src/data/database.ts';
import { everything, type Reader } from '../../../src/kernel/access/readers.ts';
import { createKnowledge, type KnowledgeRoom } from '../../../src/knowledge/create-knowledge.ts';
import type { DocumentToIngest, IngestInput } from '../../../src/knowledge/knowledge.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { testLog } from '../../support/test-log.ts';

let database: Database & AsyncDisposable;
let knowledge: KnowledgeRoom;
/** The same, with every vector looked for in an index. */
let indexed: KnowledgeRoom;

const reader = (userId: string, ...groups: string[]): Reader => ({
  userId,
  groups,
  roles: ['USER'],
});
const sam = reader('sam', 'sales');
const hank = reader('hank', 'hr');
const modes = ['HYBRID', 'KEYWORD', 'SEMANTIC'] as const;

beforeAll(async () => {
  database = await openTestDatabase();
  const options = {
    database,
    embedders: [],
    defaultEmbedder: 'hash-512',
    latent: false,
    log: testLog,
  };
  knowledge = createKnowledge(options);
  indexed = createKnowledge({ ...options, comparedNumbers: 0 });
});
afterAll(async () => {
  await Promise.all([knowledge.close(), indexed.close()]);
  await database[Symbol.asyncDispose]();
});

const ingest = (
  documents: readonly DocumentToIngest[],
  { collection, ...more }: Omit<IngestInput, 'documents'>,
) => knowledge.ingest({ collection, readers: ['*'], documents, ...more }, { by: everything });

const sourcesFor = async (
  who: Reader,
  request: { collection: string; mode?: (typeof modes)[number] },
) => {
  const search = { query: 'the mill wheel turns', topK: 100, reader: who, ...request };
  return (await knowledge.search(search)).map(({ source }) => source);
};

describe('readers of a document', () => {
  const collection = 'mills';
  const text = (name: string): string => `The mill wheel of ${name} turns all day.`;
  beforeAll(() =>
    ingest(
      [
        { source: 'all', text: text('all') },
        { source: 'sales', text: text('sales'), readers: ['group:sales'] },
        { source: 'hank', text: text('hank'), readers: ['user:hank', 'user:nobody'] },
        { source: 'nobody', text: text('nobody'), readers: [] },
      ],
      { collection },
    ),
  );

  it.each(modes)('bound a %s search, whatever its filter', async (mode) => {
    for (const filter of [undefined, { x: { exists: false } }, { not: { x: 1 } }]) {
      const request = { collection, mode, ...(filter && { filter }) };
      expect((await sourcesFor(sam, request)).sort()).toEqual(['all', 'sales']);
      expect((await sourcesFor(hank, request)).sort()).toEqual(['all', 'hank']);
      expect((await sourcesFor(everything, request)).sort()).toHaveLength(4);
    }
  });

  it('bound a search that names no reader to what everyone reads', async () => {
    const hits = await knowledge.search({ query: 'mill wheel', collection });
    expect(hits.map(({ source }) => source)).toEqual(['all']);
  });

  it('bound pages, counts and ids', async () => {
    const page = await knowledge.documents({ collection }, sam);
    expect(page.edges.map(({ node }) => [node.source, node.readers])).toEqual([
      ['all', null],
      ['sales', ['group:sales']],
    ]);
    const ids = (await knowledge.documents({ collection }, everything)).edges.map(
      ({ node }) => node.id,
    );
    const found = await knowledge.documentsById(ids, hank);
    expect(found.map((each) => each?.source ?? null)).toEqual(['all', null, 'hank', null]);
    expect(await knowledge.collections(sam)).toMatchObject([{ documents: 2, chunks: 2 }]);
    expect(await knowledge.collections(everything)).toMatchObject([{ documents: 4, chunks: 4 }]);
  });

  it('let nobody in who does not read the collection', async () => {
    await ingest([{ source: 'open', text: text('open'), readers: ['*'] }], {
      collection: 'closed',
      readers: ['group:sales'],
    });
    expect(await sourcesFor(sam, { collection: 'closed' })).toEqual(['open']);
    await expect(sourcesFor(hank, { collection: 'closed' })).rejects.toMatchObject({
      code: 'COLLECTION_NOT_FOUND',
    });
  });

  it('stay as they are when the source is ingested again without any, and change with them', async () => {
    const again = (readers?: string[] | null, words = text('sales')) =>
      ingest([{ source: 'sales', text: words, ...(readers !== undefined && { readers }) }], {
        collection,
      });
    expect(await again()).toMatchObject({ unchanged: 1 });
    expect(await again(undefined, text('more sales'))).toMatchObject({ updated: 1 });
    expect(await sourcesFor(hank, { collection })).not.toContain('sales');
    expect(await again(['group:hr'], text('more sales'))).toMatchObject({ updated: 1 });
    expect(await sourcesFor(hank, { collection })).toContain('sales');
    expect(await sourcesFor(sam, { collection })).not.toContain('sales');
    expect(await again(null, text('more sales'))).toMatchObject({ updated: 1 });
    expect(await sourcesFor(sam, { collection })).toContain('sales');
    expect(await again(['group:sales'])).toMatchObject({ updated: 1 });
  });

  it('are refused where they name nobody that can be', async () => {
    const { rejected } = await ingest([{ source: 'x', text: 'x', readers: ['*', 'sam'] }], {
      collection,
    });
    expect(rejected).toEqual([
      {
        source: 'x',
        issues: [{ path: ['readers', '1'], message: 'must be user:NAME, group:NAME or *' }],
      },
    ]);
  });

  it('bound a document of many chunks from its first moment', async () => {
    const long = Array.from({ length: 300 }, (_, n) => `# Part ${n}\n\n${text(`part ${n}`)}`);
    const document = { source: 'long', text: long.join('\n\n'.padEnd(800)), readers: ['user:sam'] };
    await ingest([document], { collection: 'long' });
    for (const mode of modes) {
      expect(await sourcesFor(hank, { collection: 'long', mode })).toEqual([]);
      expect((await sourcesFor(sam, { collection: 'long', mode })).length).toBeGreaterThan(40);
    }
  });
});

describe('a narrow reader among many documents', () => {
  const collection = 'many';
  beforeAll(async () => {
    const documents = Array.from({ length: 1_200 }, (_, n) => ({
      source: `mill ${n}`,
      text: `The mill wheel number ${n} turns ${'and turns '.repeat(n % 5)}by water.`,
      metadata: { even: n % 2 === 0 },
      readers: [n % 40 === 7 ? 'group:sales' : 'group:hr'],
    }));
    await ingest(documents, { collection });
    await indexed.settled();
  });

  it.each(modes)('gets full pages of its own by %s, with an index and without', async (mode) => {
    const own = (source: string): boolean => Number(source.slice(5)) % 40 === 7;
    for (const service of [knowledge, indexed]) {
      const request = { query: 'mill wheel water', collection, mode, topK: 30, reader: sam };
      const hits = await service.search(request);
      expect(hits).toHaveLength(30);
      expect(hits.every(({ source }) => own(source))).toBe(true);
      const filtered = await service.search({ ...request, filter: { even: true } });
      expect(filtered).toEqual([]);
      expect(await service.search({ ...request, filter: { even: false } })).toHaveLength(30);
    }
  });
});
