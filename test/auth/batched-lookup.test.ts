import { expect, test } from 'vitest';
import { createBatchedLookup } from '../../src/auth/batched-lookup.ts';

test('asks once for a turn and for all that came while it asked, and never answers from memory', async () => {
  const asked: string[][] = [];
  const answers: (() => void)[] = [];
  const lookup = createBatchedLookup(async (keys) => {
    asked.push([...keys]);
    await new Promise<void>((resolve) => answers.push(resolve));
    return new Map(keys.filter((key) => key !== 'none').map((key) => [key, key.toUpperCase()]));
  });
  const first = Promise.all([lookup('a'), lookup('b'), lookup('a'), lookup('none')]);
  await expect.poll(() => asked).toEqual([['a', 'b', 'none']]);
  const later = [lookup('a')];
  await new Promise(setImmediate);
  later.push(lookup('c'));
  answers[0]?.();
  expect(await first).toEqual(['A', 'B', 'A', null]);
  await expect.poll(() => asked).toHaveLength(2);
  answers[1]?.();
  expect(await Promise.all(later)).toEqual(['A', 'C']);
  expect(asked[1]).toEqual(['a', 'c']);
});

test('goes on after a query that failed', async () => {
  let away = true;
  const lookup = createBatchedLookup(async (keys) => {
    if (away) throw new Error('away');
    return new Map(keys.map((key) => [key, key]));
  });
  await expect(lookup('a')).rejects.toThrow('away');
  away = false;
  expect(await lookup('a')).toBe('a');
});
