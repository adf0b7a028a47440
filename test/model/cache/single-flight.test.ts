import { describe, expect, it } from 'vitest';
import { createSingleFlight } from '../../../src/model/cache/single-flight.ts';

/** A producer that tells what it is told to, when it is told to. */
function createSource() {
  const queue: (() => number | 'end' | Error)[] = [];
  let wake = Promise.withResolvers<void>();
  const state = { started: 0, aborted: false, ended: false };
  const push = (item: number | 'end' | Error) => {
    queue.push(() => item);
    wake.resolve();
  };
  async function* start(signal: AbortSignal): AsyncGenerator<number> {
    state.started += 1;
    signal.addEventListener('abort', () => {
      state.aborted = true;
      wake.resolve();
    });
    try {
      while (true) {
        while (queue.length === 0 && !signal.aborted) {
          await wake.promise;
          wake = Promise.withResolvers<void>();
        }
        if (signal.aborted) throw signal.reason;
        const item = queue.shift()!();
        if (item === 'end') return;
        if (item instanceof Error) throw item;
        yield item;
      }
    } finally {
      state.ended = true;
    }
  }
  return { start, push, state };
}

const soon = new Date(Date.now() + 60_000);

const readAll = async (items: AsyncIterable<number>): Promise<number[]> => {
  const all: number[] = [];
  for await (const item of items) all.push(item);
  return all;
};

describe('single flight', () => {
  it('does the work once for all who come meanwhile, each from the first item on', async () => {
    const flights = createSingleFlight<number>();
    const source = createSource();
    const early = flights.share('key', source.start, soon)[Symbol.asyncIterator]();
    const first = early.next();
    source.push(1);
    source.push(2);
    expect([await first, await early.next()].map(({ value }) => value)).toEqual([1, 2]);
    const late = readAll(flights.share('key', source.start, soon));
    const live = readAll({ [Symbol.asyncIterator]: () => early });
    source.push(3);
    source.push('end');
    expect(await late).toEqual([1, 2, 3]);
    expect(await live).toEqual([3]);
    expect(source.state.started).toBe(1);
    expect(flights.size).toBe(0);
  });

  it('keeps different keys apart', async () => {
    const flights = createSingleFlight<number>();
    const sources = [createSource(), createSource()];
    const all = sources.map(({ start }, index) =>
      readAll(flights.share(`key ${index}`, start, soon)),
    );
    sources.forEach(({ push }, index) => {
      push(index);
      push('end');
    });
    expect(await Promise.all(all)).toEqual([[0], [1]]);
  });

  it('begins anew when a flight is over', async () => {
    const flights = createSingleFlight<number>();
    const source = createSource();
    source.push('end');
    await readAll(flights.share('key', source.start, soon));
    source.push(7);
    source.push('end');
    expect(await readAll(flights.share('key', source.start, soon))).toEqual([7]);
    expect(source.state.started).toBe(2);
  });

  it('gives its error to all, behind what came before', async () => {
    const flights = createSingleFlight<number>();
    const source = createSource();
    const told: number[] = [];
    const readers = [1, 2].map(async () => {
      for await (const item of flights.share('key', source.start, soon)) told.push(item);
    });
    source.push(1);
    source.push(new Error('broke'));
    const results = await Promise.allSettled(readers);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(told).toEqual([1, 1]);
    expect(flights.size).toBe(0);
  });

  it('goes on when one leaves, and is aborted by the last', async () => {
    const flights = createSingleFlight<number>();
    const source = createSource();
    const readers = [1, 2, 3].map(() =>
      flights.share('key', source.start, soon)[Symbol.asyncIterator](),
    );
    const pending = readers.map((reader) => reader.next());
    await readers[0]!.return?.();
    expect(await pending[0]).toEqual({ done: true, value: undefined });
    await readers[1]!.return?.();
    await readers[1]!.return?.();
    expect(source.state.aborted).toBe(false);
    source.push(1);
    expect(await pending[2]).toEqual({ done: false, value: 1 });
    const silent = readers[2]!.next();
    await readers[2]!.return?.();
    expect(source.state.aborted).toBe(true);
    expect(await silent).toEqual({ done: true, value: undefined });
    await expect.poll(() => source.state.ended).toBe(true);
  });

  it('lets nobody join what was given up', async () => {
    const flights = createSingleFlight<number>();
    const source = createSource();
    const gone = flights.share('key', source.start, soon)[Symbol.asyncIterator]();
    void gone.next();
    await gone.return?.();
    const fresh = createSource();
    fresh.push(5);
    fresh.push('end');
    expect(await readAll(flights.share('key', fresh.start, soon))).toEqual([5]);
  });

  it('starts nothing before somebody reads', async () => {
    const flights = createSingleFlight<number>();
    const source = createSource();
    flights.share('key', source.start, soon);
    expect(source.state.started).toBe(0);
    expect(flights.size).toBe(0);
  });

  it('serves fifty at once by one', async () => {
    const flights = createSingleFlight<number>();
    const source = createSource();
    const all = Array.from({ length: 50 }, () => readAll(flights.share('key', source.start, soon)));
    for (const item of [1, 2, 3, 'end' as const]) source.push(item);
    for (const items of await Promise.all(all)) expect(items).toEqual([1, 2, 3]);
    expect(source.state.started).toBe(1);
  });

  it('gives its work the latest deadline of those who have joined', async () => {
    const flights = createSingleFlight<number>();
    const source = createSource();
    let until = new Date(0);
    const start = (signal: AbortSignal, deadlineAt: Date) => {
      until = deadlineAt;
      return source.start(signal);
    };
    const later = new Date(soon.getTime() + 1);
    const first = readAll(flights.share('key', start, soon));
    expect(until).toEqual(soon);
    const all = [first, readAll(flights.share('key', start, later))];
    expect(until).toEqual(later);
    all.push(readAll(flights.share('key', start, soon)));
    expect(until).toEqual(later);
    source.push('end');
    await Promise.all(all);
  });
});
