import { describe, expect, it } from 'vitest';
import type { ModelSink } from '../../../src/kernel/model.ts';
import type { SharedAnswer } from '../../../src/model/cache/shared-answer.ts';
import { SingleFlight, type StartFlight } from '../../../src/model/cache/single-flight.ts';

/** A call that says what it is given to say, when it is. */
function createSource() {
  const over = Promise.withResolvers<string>();
  const state = { started: 0, aborted: false, ended: false };
  let answer: SharedAnswer;
  const early: string[] = [];
  const start: StartFlight<string> = async (shared, signal) => {
    state.started += 1;
    answer = shared;
    for (const text of early.splice(0)) answer.text(text);
    signal.addEventListener('abort', () => {
      state.aborted = true;
      over.reject(signal.reason);
    });
    return over.promise.finally(() => {
      state.ended = true;
    });
  };
  return {
    start,
    state,
    say: (text: string) => (answer ? answer.text(text) : early.push(text)),
    think: (text: string) => answer.thinking(text),
    cite: (citedText: string) =>
      answer.citation({ searchResultIndex: 0, startPassage: 0, endPassage: 1, citedText }),
    end: over.resolve,
    fail: over.reject,
  };
}

/** What a reader is given, as `type:text`. */
function createSink(): ModelSink & { got: string[] } {
  const got: string[] = [];
  return {
    got,
    start: (model) => got.push(`start:${model}`),
    text: (text) => got.push(`text:${text}`),
    thinking: (text) => got.push(`thinking:${text}`),
    citation: ({ citedText }) => got.push(`citation:${citedText}`),
  };
}

const soon = new Date(Date.now() + 60_000);

function createReader(deadlineAt = soon) {
  const leaving = new AbortController();
  return { sink: createSink(), signal: leaving.signal, deadlineAt, leave: () => leaving.abort() };
}

describe('single flight', () => {
  it('makes the call once for all who come meanwhile, each from the first word on', async () => {
    const flights = new SingleFlight<string>();
    const source = createSource();
    const early = createReader();
    const first = flights.share('key', source.start, early);
    source.say('one ');
    source.think('hm');
    source.say('two ');
    source.say('three ');
    source.cite('two');
    const late = createReader();
    const second = flights.share('key', source.start, late);
    source.say('four');
    source.end('whole');
    expect(await Promise.all([first, second])).toEqual(['whole', 'whole']);
    expect(early.sink.got).toEqual([
      'text:one ',
      'thinking:hm',
      'text:two ',
      'text:three ',
      'citation:two',
      'text:four',
    ]);
    expect(late.sink.got).toEqual([
      'text:one ',
      'thinking:hm',
      'text:two three ',
      'citation:two',
      'text:four',
    ]);
    expect(source.state.started).toBe(1);
    expect(flights.size).toBe(0);
  });

  it('keeps different keys apart', async () => {
    const flights = new SingleFlight<string>();
    const all = ['a', 'b'].map((key) => {
      const source = createSource();
      const shared = flights.share(key, source.start, createReader());
      source.end(key);
      return shared;
    });
    expect(await Promise.all(all)).toEqual(['a', 'b']);
  });

  it('begins again when a flight is over', async () => {
    const flights = new SingleFlight<string>();
    for (const result of ['first', 'second']) {
      const source = createSource();
      source.end(result);
      expect(await flights.share('key', source.start, createReader())).toBe(result);
      expect(source.state.started).toBe(1);
    }
  });

  it('gives its error to all, after what came before', async () => {
    const flights = new SingleFlight<string>();
    const source = createSource();
    const readers = [createReader(), createReader()];
    const all = readers.map((reader) => flights.share('key', source.start, reader));
    source.say('one');
    source.fail(new Error('broke'));
    const results = await Promise.allSettled(all);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(readers.map(({ sink }) => sink.got)).toEqual([['text:one'], ['text:one']]);
    expect(flights.size).toBe(0);
  });

  it('goes on when one leaves, and is aborted by the last, who waits for its end', async () => {
    const flights = new SingleFlight<string>();
    const source = createSource();
    const readers = [createReader(), createReader(), createReader()];
    const all = readers.map((reader) => flights.share('key', source.start, reader));
    for (const left of [0, 1]) {
      readers[left]!.leave();
      await expect(all[left]).rejects.toThrow('aborted');
    }
    expect(source.state.aborted).toBe(false);
    source.say('one');
    expect(readers.map(({ sink }) => sink.got)).toEqual([[], [], ['text:one']]);
    readers[2]!.leave();
    await expect(all[2]).rejects.toThrow('aborted');
    expect(source.state).toMatchObject({ aborted: true, ended: true });
    expect(flights.size).toBe(0);
  });

  it('lets nobody join what was given up', async () => {
    const flights = new SingleFlight<string>();
    const source = createSource();
    const gone = createReader();
    const given = flights.share('key', source.start, gone);
    gone.leave();
    await expect(given).rejects.toThrow('aborted');
    const fresh = createSource();
    fresh.end('fresh');
    expect(await flights.share('key', fresh.start, createReader())).toBe('fresh');
  });

  it('starts nothing for a reader who has left', async () => {
    const flights = new SingleFlight<string>();
    const source = createSource();
    const gone = createReader();
    gone.leave();
    await expect(flights.share('key', source.start, gone)).rejects.toThrow('aborted');
    expect(source.state.started).toBe(0);
    expect(flights.size).toBe(0);
  });

  it('serves fifty at once by one', async () => {
    const flights = new SingleFlight<string>();
    const source = createSource();
    source.say('one');
    const readers = Array.from({ length: 50 }, () => createReader());
    const all = readers.map((reader) => flights.share('key', source.start, reader));
    source.end('whole');
    expect(new Set(await Promise.all(all))).toEqual(new Set(['whole']));
    for (const { sink } of readers) expect(sink.got).toEqual(['text:one']);
    expect(source.state.started).toBe(1);
  });

  it('gives its call the latest deadline of those who have joined', async () => {
    const flights = new SingleFlight<string>();
    const source = createSource();
    let until = new Date(0);
    const start: StartFlight<string> = (answer, signal, deadlineAt) => {
      until = deadlineAt;
      return source.start(answer, signal, deadlineAt);
    };
    const later = new Date(soon.getTime() + 1);
    const all = [flights.share('key', start, createReader())];
    expect(until).toEqual(soon);
    all.push(flights.share('key', start, createReader(later)));
    expect(until).toEqual(later);
    all.push(flights.share('key', start, createReader()));
    expect(until).toEqual(later);
    source.end('whole');
    await Promise.all(all);
  });
});
