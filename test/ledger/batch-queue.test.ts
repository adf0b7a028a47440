import { expect, test } from 'vitest';
import { createBatchQueue } from '../../src/ledger/batch-queue.ts';

/** A batches whose entries are the callbacks that end them. */
const openLane = (intervalMs: number) => {
  const sizes: number[] = [];
  const batches = createBatchQueue<() => void>({
    limit: 100,
    intervalMs,
    async run(batch) {
      sizes.push(batch.length);
      for (const end of batch) end();
      return [];
    },
  });
  return { sizes, call: () => new Promise<void>((resolve) => batches.push(resolve)) };
};

test('a single caller, who comes again and again, waits for nobody', async () => {
  const { sizes, call } = openLane(60_000);
  for (let calls = 0; calls < 20; calls++) await call();
  expect(sizes).toEqual(Array.from({ length: 20 }, () => 1));
});

test('callers who have met wait for each other until the interval is over', async () => {
  const { sizes, call } = openLane(200);
  await Promise.all([call(), call()]);
  const first = call();
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  await Promise.all([first, call(), call()]);
  expect(sizes).toEqual([2, 3]);
});
