import { expect, test } from 'vitest';
import { resultOrLeave } from '../../../src/runs/reading/result-or-leave.ts';
import type { RunRecord } from '../../../src/runs/runs.ts';

function waiting() {
  const { promise, resolve } = Promise.withResolvers<RunRecord>();
  const left: string[] = [];
  const handle = {
    runId: 'run',
    events: () => {
      throw new Error('nobody reads them');
    },
    result: () => promise,
    leave: (how: string) => void left.push(how),
  };
  return { handle, left, end: () => resolve({ id: 'run' } as RunRecord) };
}

test('a client that left before the run had begun is told to it as well', async () => {
  const { handle, left, end } = waiting();
  const result = resultOrLeave(handle, AbortSignal.abort(), 'unsubscribed');
  expect(left).toEqual(['unsubscribed']);
  end();
  expect(await result).toEqual({ id: 'run' });
});

test('one that leaves meanwhile is told once, one that leaves afterwards is not', async () => {
  const { handle, left, end } = waiting();
  const client = new AbortController();
  const result = resultOrLeave(handle, client.signal, 'disconnected');
  expect(left).toEqual([]);
  client.abort();
  expect(left).toEqual(['disconnected']);
  end();
  await result;
  const stays = new AbortController();
  await resultOrLeave(handle, stays.signal, 'disconnected');
  stays.abort();
  expect(left).toEqual(['disconnected']);
});
