import { expect, test } from 'vitest';
import { asking, collect, deltaCount, startDemoClient, textOf } from '../support/demo-client.ts';

const WORDS = asking('[demo:words 50]');

test('a stalled stream stays open until the client leaves, and is billed up to there', async () => {
  await using server = await startDemoClient();
  server.demo.script({ kind: 'stall', afterDeltas: 4 });
  const stream = await server.client.messages.create({ ...WORDS, stream: true });
  let deltas = 0;
  let text = '';
  let inputTokens = 0;
  for await (const event of stream) {
    if (event.type === 'message_start') inputTokens = event.message.usage.input_tokens;
    if (event.type !== 'content_block_delta' || event.delta.type !== 'text_delta') continue;
    text += event.delta.text;
    deltas += 1;
    if (deltas < 4) continue;
    expect(server.demo.openCalls).toBe(1);
    expect(server.demo.requests[0]?.outcome).toBe('open');
    break;
  }
  await server.demo.waitForOpenCalls(0);
  expect(server.demo.requests[0]?.outcome).toBe('aborted');
  expect(server.demo.billing.calls).toMatchObject([
    { outcome: 'aborted', inputTokens, outputTokens: Math.ceil(text.length / 4) },
  ]);
  expect(server.demo.requests[0]?.billed).toBe(server.demo.billing.calls[0]);
});

test('stopping in the middle of a slow answer stops the generating', async () => {
  await using server = await startDemoClient({ delayMs: 1 });
  const stream = server.client.messages.stream({
    ...asking('[demo:words 50000]'),
    max_tokens: 100_000,
  });
  stream.on('text', () => stream.abort());
  await expect(stream.finalMessage()).rejects.toThrow('aborted');
  await server.demo.waitForOpenCalls(0);
  const [call] = server.demo.billing.calls;
  expect(call?.outcome).toBe('aborted');
  expect(call?.outputTokens).toBeLessThan(10_000);
});

test('a stall before the headers holds the call without a bill', async () => {
  await using server = await startDemoClient();
  server.demo.script({ kind: 'stall' });
  const controller = new AbortController();
  const call = server.client.messages.create(
    { ...WORDS, stream: true },
    { signal: controller.signal },
  );
  const rejected = expect(call).rejects.toThrow('aborted');
  await server.demo.waitForOpenCalls(1);
  controller.abort();
  await rejected;
  await server.demo.waitForOpenCalls(0);
  expect(server.demo.billing.calls).toEqual([]);
});

test('a hold keeps any number of calls open and silent until it is released', async () => {
  await using server = await startDemoClient();
  const release = server.demo.hold();
  const calls = Array.from({ length: 20 }, () => server.client.messages.create(WORDS));
  await server.demo.waitForOpenCalls(20);
  expect(
    server.demo.requests.every(({ outcome, status }) => outcome === 'open' && status === null),
  ).toBe(true);
  expect(server.demo.billing.calls).toEqual([]);
  release();
  const messages = await Promise.all(calls);
  expect(messages.every(({ stop_reason }) => stop_reason === 'end_turn')).toBe(true);
  expect(server.demo.openCalls).toBe(0);
  expect(server.demo.billing.totals.calls).toBe(20);
});

test('a gate stops a stream after so many deltas until it is let go', async () => {
  await using server = await startDemoClient();
  server.demo.script({ kind: 'gate', afterDeltas: 7 });
  const stream = server.client.messages.stream(WORDS);
  let words = 0;
  stream.on('text', () => {
    words += 1;
  });
  await server.demo.waitForGatedCalls(1);
  expect(server.demo.openCalls).toBe(1);
  await expect.poll(() => words).toBe(7);
  server.demo.release();
  expect(textOf(await stream.finalMessage()).split(' ')).toHaveLength(50);
  expect(server.demo.gatedCalls).toBe(0);
});

test('a gate beyond the last delta still stops the stream before its end', async () => {
  await using server = await startDemoClient();
  const stream = server.client.messages.stream(asking('[demo:gate 999] [demo:reply Two words]'));
  await server.demo.waitForGatedCalls(1);
  expect(server.demo.billing.calls).toEqual([]);
  server.demo.release();
  expect(textOf(await stream.finalMessage())).toBe('Two words');
});

test('a client that leaves at a gate is noticed', async () => {
  await using server = await startDemoClient();
  const stream = server.client.messages.stream(asking('[demo:gate 2] [demo:words 10]'));
  const ended = expect(stream.finalMessage()).rejects.toThrow('aborted');
  await server.demo.waitForGatedCalls(1);
  stream.abort();
  await ended;
  await server.demo.waitForGatedCalls(0);
  await server.demo.waitForOpenCalls(0);
});

test('waiting for calls that do not come fails with what there is', async () => {
  await using server = await startDemoClient();
  await expect(server.demo.waitForOpenCalls(3, 20)).rejects.toThrow(
    'waited 20 ms for 3 open calls; there are 0',
  );
});

test('closing the server ends open calls', async () => {
  const server = await startDemoClient();
  server.demo.script({ kind: 'stall', afterDeltas: 1 });
  const stream = await server.client.messages.create({ ...WORDS, stream: true });
  const reading = collect(stream);
  await server.demo.waitForOpenCalls(1);
  await server.demo.close();
  const { events, error } = await reading;
  expect(deltaCount(events)).toBeLessThanOrEqual(1);
  expect(error).toBeDefined();
  await server.demo.waitForOpenCalls(0);
});
