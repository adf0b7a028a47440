import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../../src/data/database.ts';
import { createKnowledge } from '../../../src/knowledge/create-knowledge.ts';
import { InvalidFilterError } from '../../../src/knowledge/search/invalid-filter-error.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { testLog } from '../../support/test-log.ts';
import { type AdminKnowledge, asAdmin } from '../support/as-admin.ts';

let database: Database & AsyncDisposable;
let knowledge: AdminKnowledge;

const documents = [
  {
    source: 'wings.md',
    title: 'Wings',
    text: '# Lift\n\nThe lift of a wing grows with the square of its speed.\n\n# Drag\n\nInduced drag falls with speed.',
    metadata: { topic: 'air', year: 1998, tags: ['flight', 'lift'], author: { name: 'Ada' } },
  },
  {
    source: 'boats.md',
    title: 'Boats',
    text: '# Keel\n\nA keel keeps a sailing boat upright and gives it lateral resistance.',
    metadata: { topic: 'sea', year: 2004, tags: [], draft: null },
  },
  {
    source: 'client.ts',
    text: 'export function createRequestSigner(secretKey) {\n  return signer_for.secret_key(secretKey);\n}',
    metadata: { topic: 'code', year: 2024.5 },
  },
];

beforeAll(async () => {
  database = await openTestDatabase();
  knowledge = asAdmin(
    createKnowledge({
      database,
      embedders: [],
      defaultEmbedder: 'hash-512',
      log: testLog,
    }),
  );
  await knowledge.ingest({ collection: 'default', documents });
});
afterAll(async () => {
  await knowledge.close();
  await database[Symbol.asyncDispose]();
});

const sources = async (query: string, more: object = {}): Promise<string[]> =>
  (await knowledge.search({ query, ...more })).map(({ source }) => source);

describe('search', () => {
  it('finds by inflected words, names in parts, and near spellings', async () => {
    expect((await sources('sailed boats'))[0]).toBe('boats.md');
    expect((await sources('sign a request', { mode: 'KEYWORD' }))[0]).toBe('client.ts');
    expect((await sources('secret key', { mode: 'KEYWORD' }))[0]).toBe('client.ts');
    expect((await sources('latteral resistence', { mode: 'SEMANTIC' }))[0]).toBe('boats.md');
  });

  it.each([
    ['HYBRID', undefined],
    ['HYBRID', { kind: 'mark' }],
    ['SEMANTIC', undefined],
    ['SEMANTIC', { kind: 'mark' }],
  ] as const)('a passage without a word comes last (%s, filter %j)', async (mode, filter) => {
    const metadata = { kind: 'mark' };
    const marked = [
      { source: 'rule', text: '--- *** ---', metadata },
      { source: 'oar', text: 'An oar turns in its lock.', metadata },
    ];
    await knowledge.ingest({ collection: 'marks', documents: marked });
    const request = { query: 'an oar', collection: 'marks', mode, ...(filter && { filter }) };
    const hits = await knowledge.search(request);
    expect(hits.map(({ source }) => source)).toEqual(['oar', 'rule']);
    expect(hits[0]!.score).toBeGreaterThan(0.3);
    expect(hits[1]!.score).toBe(0);
  });

  it.each(['HYBRID', 'SEMANTIC', 'KEYWORD'] as const)(
    'scores %s within [0, 1], best first',
    async (mode) => {
      const scores = (await knowledge.search({ query: 'lift of a wing', mode })).map(
        (h) => h.score,
      );
      expect(scores.length).toBeGreaterThan(0);
      expect(scores).toEqual([...scores].sort((a, b) => b - a));
      expect(scores.every((score) => score >= 0 && score <= 1)).toBe(true);
    },
  );

  it('answers with the passage and where it stands', async () => {
    const [hit] = await knowledge.search({ query: 'induced drag' });
    const text = documents.find(({ source }) => source === hit?.source)?.text;
    expect(text?.slice(hit?.startOffset, hit?.endOffset)).toBe(hit?.content);
    expect(hit?.metadata).toEqual(documents[0]?.metadata);
  });

  it('answers nothing for words that are nowhere, and for no words', async () => {
    expect(await sources('zyzzyva', { mode: 'KEYWORD' })).toEqual([]);
    expect(await sources('?! \0 \ud800', { mode: 'HYBRID' })).toEqual([]);
  });

  it('names a collection that is not there', async () => {
    await expect(knowledge.search({ query: 'x', collection: 'nowhere' })).rejects.toMatchObject({
      code: 'COLLECTION_NOT_FOUND',
    });
  });

  it('stops at once when aborted', async () => {
    const signal = AbortSignal.abort(new Error('gone'));
    await expect(knowledge.search({ query: 'lift', signal })).rejects.toThrow('gone');
  });
});

describe('filters', () => {
  const all = { mode: 'SEMANTIC' as const };
  const matching = async (filter: unknown): Promise<string[]> =>
    [...new Set(await sources('the', { ...all, query: 'lift keel key', filter }))].sort();
  const everything = ['boats.md', 'client.ts', 'wings.md'];

  it.each<[unknown, string[]]>([
    [{ topic: 'sea' }, ['boats.md']],
    [{ topic: { in: ['sea', 'code'] } }, ['boats.md', 'client.ts']],
    [{ topic: { nin: ['sea', 'code'] } }, ['wings.md']],
    [{ topic: { $ne: 'sea' } }, ['client.ts', 'wings.md']],
    [{ year: { gte: 2004, lt: 2024.5 } }, ['boats.md']],
    [{ year: { gt: 2004 } }, ['client.ts']],
    [{ year: { lte: '2004' } }, []],
    [{ topic: { gt: 'b' } }, ['boats.md', 'client.ts']],
    [{ tags: 'lift' }, ['wings.md']],
    [{ tags: { in: ['flight', 'nothing'] } }, ['wings.md']],
    [{ 'author.name': 'Ada' }, ['wings.md']],
    [{ 'author.name': { exists: false } }, ['boats.md', 'client.ts']],
    [{ draft: null }, everything],
    [{ draft: { exists: true } }, ['boats.md']],
    [{ and: [{ topic: 'sea' }, { year: 2004 }] }, ['boats.md']],
    [{ or: [{ topic: 'sea' }, { year: 1998 }] }, ['boats.md', 'wings.md']],
    [{ not: { 'author.name': 'Ada' } }, ['boats.md', 'client.ts']],
    [{ not: { year: { gt: 2000 } } }, ['wings.md']],
    [{ topic: { in: [] } }, []],
    [{ 'x\'); DROP TABLE "Chunk"; --': "'" }, []],
  ])('%j', async (filter, expected) => {
    expect(await matching(filter)).toEqual(expected);
  });

  it('hold for every mode', async () => {
    for (const mode of ['HYBRID', 'KEYWORD', 'SEMANTIC'] as const)
      expect(await sources('lift keel request', { mode, filter: { topic: 'sea' } })).toEqual([
        'boats.md',
      ]);
  });

  const tooMany = { or: Array.from({ length: 1_000 }, (_, year) => ({ year })) };
  const tooDeep = Array.from({ length: 60 }).reduce<object>((inner) => ({ not: inner }), { a: 1 });
  it.each<[string, unknown]>([
    ['a string', 'topic = sea'],
    ['a list', [{ topic: 'sea' }]],
    ['an unknown operator', { year: { gtee: 3 } }],
    ['an unknown combination', { $nor: [{ a: 1 }] }],
    ['a range over a boolean', { year: { gt: true } }],
    ['a list where one value belongs', { topic: ['sea'] }],
    ['an empty filter', {}],
    ['an empty filter among others', { or: [{}, { topic: 'sea' }] }],
    ['nothing but empty filters', { and: [{}] }],
    ['a negated empty filter', { not: {} }],
    ['a member of every object as operator', { year: { constructor: 5 } }],
    ['another such member', { year: { toString: 'x' } }],
    ['an empty condition', { topic: {} }],
    ['an empty or', { or: [] }],
    ['an object in a list', { topic: { in: [{}] } }],
    ['exists of a word', { topic: { exists: 'yes' } }],
    ['NUL', { topic: 'a\0' }],
    ['a thousand clauses', tooMany],
    ['sixty levels', tooDeep],
  ])('refuse %s', async (_, filter) => {
    await expect(sources('lift', { filter })).rejects.toBeInstanceOf(InvalidFilterError);
  });
});
