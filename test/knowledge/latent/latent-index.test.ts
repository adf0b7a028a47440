import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../../src/data/database.ts';
import { createKnowledge } from '../../../src/knowledge/create-knowledge.ts';
import { fitLatentSpace } from '../../../src/knowledge/latent/fit-latent-space.ts';
import { latentTerms } from '../../../src/knowledge/latent/latent-terms.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { testLog } from '../../support/test-log.ts';
import { type AdminKnowledge, asAdmin } from '../support/as-admin.ts';

// Two worlds of words. "physician" and "doctor" never meet in a text, but keep the same company.
const worlds = [
  ['patient', 'hospital', 'nurse', 'medicine', 'surgery', 'clinic', 'fever', 'bandage'],
  ['motor', 'gearbox', 'clutch', 'piston', 'exhaust', 'brake', 'diesel', 'axle'],
];
function textOf(n: number): string {
  const world = worlds[n % 2]!;
  const words = [0, 3, 5, 7].map((step) => world[(n * 3 + step * (n % 7)) % world.length]!);
  const name = n % 2 === 0 ? (n % 4 === 0 ? 'physician' : 'doctor') : 'mechanic';
  return `${name} ${words.join(' ')} case ${n}`;
}
const texts = Array.from({ length: 600 }, (_, n) => textOf(n));
const dot = (a: Float32Array, b: Float32Array): number =>
  a.reduce((sum, value, at) => sum + value * b[at]!, 0);

describe('fitLatentSpace', () => {
  const space = fitLatentSpace(texts, { dimensions: 2 });
  const vectorOf = (term: string): Float32Array => {
    const at = space.terms.indexOf([...latentTerms(term).keys()][0]!);
    const vector = space.termVectors.slice(at * 2, at * 2 + 2);
    const length = Math.hypot(...vector);
    return vector.map((value) => value / length);
  };

  it('holds words of the same company near, others far', () => {
    expect(dot(vectorOf('physician'), vectorOf('hospital'))).toBeGreaterThan(0.3);
    expect(dot(vectorOf('doctor'), vectorOf('surgery'))).toBeGreaterThan(0.3);
    expect(Math.abs(dot(vectorOf('doctor'), vectorOf('gearbox')))).toBeLessThan(0.1);
  });

  it('places every text on the unit sphere, also those it was not fitted on, and repeats itself', () => {
    const part = fitLatentSpace(texts, { dimensions: 8, maxFitted: 200 });
    for (let row = 0; row < texts.length; row++)
      expect(Math.hypot(...part.textVectors.slice(row * 8, row * 8 + 8))).toBeCloseTo(1, 4);
    expect(fitLatentSpace(texts, { dimensions: 2 }).textVectors).toEqual(space.textVectors);
  });

  it('has singular vectors: orthonormal, and reducing by them keeps most of the whole', () => {
    const full = fitLatentSpace(texts, { dimensions: 400 });
    expect(full.dimensions).toBeLessThanOrEqual(full.terms.length);
    const near = (of: typeof full, a: number, b: number): number =>
      dot(
        of.textVectors.slice(a * of.dimensions, (a + 1) * of.dimensions),
        of.textVectors.slice(b * of.dimensions, (b + 1) * of.dimensions),
      );
    // In the whole space texts that share no term are at right angles; in the reduced one they need not be.
    const a = texts.findIndex((text) => text.startsWith('physician'));
    const b = texts.findIndex((text, n) => {
      const words = new Set(texts[a]!.split(' ').slice(0, -2));
      return (
        n % 2 === 0 &&
        text
          .split(' ')
          .slice(0, -2)
          .every((word) => !words.has(word))
      );
    });
    expect(Math.abs(near(full, a, b))).toBeLessThan(1e-4);
    expect(near(space, a, b)).toBeGreaterThan(0.5);
  });

  it('bears texts without terms, and fewer texts than dimensions', () => {
    expect(fitLatentSpace(['', '?', 'alone']).textVectors.every((value) => value === 0)).toBe(true);
    expect(fitLatentSpace([]).terms).toEqual([]);
    const few = fitLatentSpace(['wing lift', 'wing drag', 'drag lift', 'sea', 'sea']);
    expect([...few.textVectors].every(Number.isFinite)).toBe(true);
  });
});

describe('the latent space of a collection', () => {
  let database: Database & AsyncDisposable;
  let knowledge: AdminKnowledge;
  const documents = texts.map((text, n) => ({ source: String(n), text }));
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
    await knowledge.ingest({ collection: 'cases', documents: documents.slice(0, 400) });
    await knowledge.settled();
  }, 60_000);
  afterAll(async () => {
    await knowledge.close();
    await database[Symbol.asyncDispose]();
  });

  const state = async () => {
    const [row] = await database.query<Record<string, number>>(
      `SELECT "latentGeneration" AS generation, (SELECT count(DISTINCT "generation")::int FROM "LatentTerm") AS generations,
        (SELECT count(*)::int FROM "ChunkEmbedding" WHERE "embedder" LIKE 'latent:%') AS vectors FROM "Collection"`,
    );
    return row;
  };

  it('is not fitted on few chunks, then once it pays, and again when enough has come', async () => {
    expect(await state()).toEqual({ generation: null, generations: 0, vectors: 0 });
    await knowledge.ingest({ collection: 'cases', documents: documents.slice(0, 520) });
    await knowledge.settled();
    expect(await state()).toEqual({ generation: 1, generations: 1, vectors: 520 });
    await knowledge.ingest({ collection: 'cases', documents: documents.slice(0, 530) });
    await knowledge.settled();
    expect(await state()).toEqual({ generation: 1, generations: 1, vectors: 520 });
    const more = texts.slice(0, 130).map((text, n) => ({ source: String(n + 600), text }));
    await knowledge.ingest({ collection: 'cases', documents: [...documents, ...more] });
    await knowledge.settled();
    expect(await state()).toEqual({ generation: 2, generations: 1, vectors: 730 });
  });

  it('helps to tell which texts mean the same, and serves new ones meanwhile', async () => {
    const hits = await knowledge.search({ query: 'hospital', collection: 'cases', topK: 100 });
    expect(hits.every(({ source }) => Number(source) % 2 === 0)).toBe(true);
    await knowledge.ingest({
      collection: 'cases',
      documents: [{ source: 'new', text: 'the zeppelin hangar' }],
    });
    const [best] = await knowledge.search({ query: 'zeppelin hospital', collection: 'cases' });
    expect(best?.source).toBe('new');
  });

  it('goes with its documents', async () => {
    const { edges } = await knowledge.documents({ collection: 'cases', first: 1 });
    await knowledge.deleteDocument(edges[0]!.node.id);
    expect((await state())?.['vectors']).toBe(729);
  });

  it('gives up at once when the room closes', async () => {
    const other = asAdmin(
      createKnowledge({
        database,
        embedders: [],
        defaultEmbedder: 'hash-512',
        log: testLog,
      }),
    );
    const changed = documents.map(({ source, text }) => ({ source, text: `${text} again` }));
    await other.ingest({ collection: 'cases', documents: changed });
    const settling = other.settled();
    await other.close();
    await settling;
    await knowledge.ingest({ collection: 'cases', documents: changed });
    await knowledge.settled();
    expect(await state()).toMatchObject({ generations: 1, vectors: 731 });
  });

  it('is fitted by the next room when the one that took the documents in had no time for it', async () => {
    const room = { database, embedders: [], defaultEmbedder: 'hash-512', log: testLog };
    const before = (await state())!['generation']!;
    const first = asAdmin(createKnowledge(room));
    const changed = documents.map(({ source, text }) => ({ source, text: `once more ${text}` }));
    await first.ingest({ collection: 'cases', documents: changed });
    await first.close();
    const second = asAdmin(createKnowledge(room));
    await second.settled();
    expect((await state())!['generation']).toBe(before + 1);
    await second.close();
  });
});
