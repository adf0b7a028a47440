import { expect, test } from 'vitest';
import {
  asking,
  COMPLETE,
  COMPLETION,
  EVENTS,
  RUN,
  type RunState,
  type StreamEvent,
  textOf,
} from './support/run-operations.ts';
import { startSingleServer } from './support/single-server.ts';

/** The code of the only error that a stream ends with, or of a request's. */
const refusedWith = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    (answer) => JSON.stringify(answer),
    (error: Error) => error.message,
  );

test('SIGTERM with 20 streams in flight: those end, new work is refused, nothing is lost', async () => {
  const drainMs = 5_000;
  await using server = await startSingleServer({ SHUTDOWN_DRAIN_MS: String(drainMs) });
  const { client, demo } = server;
  const streams = Array.from({ length: 20 }, (_, index) =>
    client.subscribe<StreamEvent>(
      COMPLETION,
      asking(`[demo:gate 3] [demo:words 30] ${index}`),
      index % 2 ? 'ws' : 'sse',
    ),
  );
  const heads = await Promise.all(streams.map((stream) => stream.take()));
  await demo.waitForGatedCalls(20);
  // One whose model never ends: its client gets what came, and a cursor.
  const endless = client.subscribe<StreamEvent>(
    COMPLETION,
    asking('[demo:fault stall afterDeltas=3] endless', { onDisconnect: 'CONTINUE' }),
  );
  const told = [await endless.take(), await endless.take()];

  const start = performance.now();
  server.signal('SIGTERM');
  await expect.poll(async () => (await fetch(`${server.url}/health/ready`)).status).toBe(503);
  const refused = await client.execute(COMPLETE, asking('too late'));
  expect(refused).toMatchObject({
    status: 503,
    errors: [{ extensions: { code: 'SHUTTING_DOWN' } }],
  });
  const late = client.subscribe<StreamEvent>(COMPLETION, asking('too late'), 'sse');
  expect(await refusedWith(late.rest())).toContain('SHUTTING_DOWN');

  demo.release();
  const ends = await Promise.all(streams.map((stream) => stream.rest()));
  ends.forEach((rest, index) => {
    expect(rest.at(-1)?.run?.status).toBe('SUCCEEDED');
    expect(textOf([heads[index]!, ...rest])).toBe(rest.at(-1)?.run?.text);
  });
  told.push(...(await endless.rest()));
  expect(told.at(-1)?.error?.code).toBe('RUN_INTERRUPTED');
  expect(await server.exited).toBe(0);
  const took = performance.now() - start;
  expect(took).toBeGreaterThan(drainMs);
  expect(took).toBeLessThan(drainMs + 10_000);

  const next = await server.again();
  for (const { runId: id } of heads) {
    const { run } = await next.client.data<RunState>(RUN, { id });
    expect(run).toMatchObject({ status: 'SUCCEEDED', usage: { estimated: false } });
    expect(run!.usage.outputTokens).toBeGreaterThan(0);
  }
  const { runId: id, cursor: after } = told[1]!;
  const { run } = await next.client.data<RunState>(RUN, { id });
  expect(run).toMatchObject({ status: 'FAILED', text: textOf(told), usage: { estimated: true } });
  const resumed = await next.client.subscribe<StreamEvent>(EVENTS, { id, after }).rest();
  expect(textOf(resumed)).toBe(textOf(told.slice(2)));
  expect(resumed.at(-1)?.error?.code).toBe('RUN_INTERRUPTED');
}, 60_000);
