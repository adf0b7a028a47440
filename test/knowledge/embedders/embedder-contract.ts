import { describe, expect, it } from 'vitest';
import type { Embedder } from '../../../src/kernel/embedder.ts';

const length = (vector: readonly number[]): number => Math.hypot(...vector);
const cosine = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, at) => sum + value * b[at]!, 0);

/** What every embedder must keep. `make` is called once for each test. */
export function describeEmbedder(name: string, make: () => Embedder | Promise<Embedder>): void {
  const embed = async (texts: string[], purpose: 'query' | 'document' = 'document') =>
    (await make()).embed(texts, { purpose });

  describe(`${name} keeps the contract of embedders`, () => {
    it('has a name, dimensions and a weight', async () => {
      const embedder = await make();
      expect(embedder.name).toMatch(/\S/);
      expect(embedder.dimensions).toBeGreaterThan(0);
      expect(embedder.weight).toBeGreaterThanOrEqual(0);
      expect(embedder.weight).toBeLessThanOrEqual(1);
    });

    it('answers each text, in order, with a vector of length 1', async () => {
      const { dimensions } = await make();
      const texts = Array.from({ length: 150 }, (_, n) => `text number ${n} of many`);
      const { vectors, billedTokens } = await embed(texts);
      expect(vectors).toHaveLength(texts.length);
      for (const vector of vectors) {
        expect(vector).toHaveLength(dimensions);
        expect(length(vector)).toBeCloseTo(1, 3);
      }
      expect(billedTokens).toBeGreaterThanOrEqual(0);
      const alone = await embed([texts[77]!]);
      expect(cosine(vectors[77]!, alone.vectors[0]!)).toBeCloseTo(1, 3);
    });

    it('gives a text with nothing in it the zero vector, and no texts no vectors', async () => {
      const { vectors } = await embed(['', 'something', ' \n ']);
      expect(vectors.map((vector) => Math.round(length(vector)))).toEqual([0, 1, 0]);
      expect(await embed([])).toEqual({ vectors: [], billedTokens: 0 });
    });

    it('makes questions and documents comparable, and the same text the same vector', async () => {
      const question = (await embed(['wing lift'], 'query')).vectors[0]!;
      const { vectors } = await embed(['the lift of a wing', 'bread and cheese']);
      expect(cosine(question, vectors[0]!)).toBeGreaterThan(cosine(question, vectors[1]!));
      expect((await embed(['wing lift'], 'query')).vectors[0]).toEqual(question);
    });

    it('takes any characters and a long text', async () => {
      const { vectors } = await embed(['𝔘𝔫𝔦 漢字 🛩️ \u0000', 'word '.repeat(20_000)]);
      expect(vectors.flat().every(Number.isFinite)).toBe(true);
    });

    it('rejects with the reason of an abort', async () => {
      const reason = new Error('gone');
      const embedder = await make();
      const signal = AbortSignal.abort(reason);
      await expect(embedder.embed(['a'], { purpose: 'query', signal })).rejects.toBe(reason);
    });
  });
}
