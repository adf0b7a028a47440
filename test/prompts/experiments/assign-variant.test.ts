import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assignVariant } from '../../../src/prompts/experiments/assign-variant.ts';

const subjects = Array.from({ length: 20_000 }, (_, index) => `user-${index}`);
const variants = (weights: Record<string, number>) =>
  Object.entries(weights).map(([name, weight]) => ({ name, weight }));

function shares(weights: Record<string, number>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const subject of subjects) {
    const { name } = assignVariant('shares', variants(weights), subject);
    counts[name] = (counts[name] ?? 0) + 1 / subjects.length;
  }
  return counts;
}

describe('assignVariant', () => {
  test('is fixed: these pairs must never change', () => {
    const pairs = ['ada', 'bob', 'carol', 'dan', 'eve'].map(
      (subject) => assignVariant('tone', variants({ warm: 1, formal: 1, short: 2 }), subject).name,
    );
    expect(pairs).toMatchInlineSnapshot(`
      [
        "warm",
        "short",
        "short",
        "formal",
        "formal",
      ]
    `);
  });

  test('is as the documentation says', async () => {
    const page = await readFile('docs/experiments.md', 'utf8');
    const rows = [...page.matchAll(/^\| `(.+)` \| `(.+)` \| `(.+)` \|$/gm)];
    expect(rows.length).toBeGreaterThan(5);
    for (const [, subject = '', even, more] of rows) {
      const both = [1, 3].map(
        (warm) => assignVariant('tone', variants({ control: 1, warm }), subject).name,
      );
      expect([subject, ...both]).toEqual([subject, even, more]);
    }
  });

  test('of equal scores takes the first name, in any order', () => {
    // Their scores are infinite, as those of weights may be that a former version took.
    const huge = variants({ b: Number.MAX_VALUE, a: Number.MAX_VALUE });
    for (const subject of subjects.slice(0, 50)) {
      expect(assignVariant('e', huge, subject)).toEqual(
        assignVariant('e', huge.toReversed(), subject),
      );
    }
  });

  test('gives variants their share', () => {
    const found = shares({ a: 1, b: 2, c: 7 });
    // Four standard deviations of 20,000 draws are 0.014.
    expect(Math.abs((found['a'] ?? 0) - 0.1)).toBeLessThan(0.014);
    expect(Math.abs((found['b'] ?? 0) - 0.2)).toBeLessThan(0.014);
    expect(Math.abs((found['c'] ?? 0) - 0.7)).toBeLessThan(0.014);
  });

  test('draws for each experiment anew', () => {
    const both = variants({ a: 1, b: 1 });
    const same = subjects.filter(
      (subject) =>
        assignVariant('one', both, subject).name === assignVariant('two', both, subject).name,
    );
    expect(Math.abs(same.length / subjects.length - 0.5)).toBeLessThan(0.014);
  });

  const weight = fc.double({ min: 0.001, max: 1000, noNaN: true });
  const weights = fc.dictionary(fc.string({ minLength: 1 }), weight, { minKeys: 1, maxKeys: 6 });

  test('depends on names and weights alone, not on their order', () => {
    fc.assert(
      fc.property(weights, fc.string(), (given, subject) => {
        const list = variants(given);
        expect(assignVariant('e', list.toReversed(), subject).name).toBe(
          assignVariant('e', list, subject).name,
        );
      }),
    );
  });

  test('moves only the subjects it must when a weight changes', () => {
    fc.assert(
      fc.property(weights, weight, fc.string(), (given, other, subject) => {
        const [changed = ''] = Object.keys(given);
        const before = assignVariant('e', variants(given), subject).name;
        const after = assignVariant('e', variants({ ...given, [changed]: other }), subject).name;
        const grew = other > (given[changed] ?? 0);
        if (before !== after) expect(grew ? after : before).toBe(changed);
      }),
    );
  });

  test('has no variant to give where there is none', () => {
    expect(() => assignVariant('e', [], 'me')).toThrow('has no variants');
  });
});
