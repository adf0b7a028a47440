import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
import { expect, test } from 'vitest';
import { z } from 'zod';
import type { Fault } from '../../../src/demo-model/faults/fault.ts';
import {
  asking,
  CALCULATOR,
  collect,
  type DemoClient,
  deltaCount,
  MODEL,
  startDemoClient,
  textOf,
} from '../support/demo-client.ts';

const WORDS = asking('[demo:words 50]');

async function streamWords(server: DemoClient) {
  return collect(await server.client.messages.create({ ...WORDS, stream: true }));
}

test.each([
  [400, 'invalid_request_error'],
  [401, 'authentication_error'],
  [403, 'permission_error'],
  [404, 'not_found_error'],
  [413, 'request_too_large'],
  [429, 'rate_limit_error'],
  [500, 'api_error'],
  [503, 'api_error'],
  [529, 'overloaded_error'],
])('status %i, streamed or not, is an error of type %s and is not billed', async (status, type) => {
  await using server = await startDemoClient();
  server.demo.script({
    kind: 'status',
    status,
    times: 2,
    message: 'as scripted',
    details: { reason: 1 },
  });
  const expected = {
    status,
    type,
    apiMessage: 'as scripted',
    details: { reason: 1 },
    requestID: expect.stringMatching(/^req_/),
  };
  await expect(server.client.messages.create(WORDS)).rejects.toMatchObject(expected);
  await expect(server.client.messages.create({ ...WORDS, stream: true })).rejects.toMatchObject(
    expected,
  );
  expect(server.demo.billing.calls).toEqual([]);
  expect(server.demo.requests.map(({ outcome }) => outcome)).toEqual(['error', 'error']);
  expect(server.demo.openCalls).toBe(0);
  expect((await server.client.messages.create(WORDS)).stop_reason).toBe('end_turn');
});

test('retry-after is sent in seconds or milliseconds, and the SDK gets through', async () => {
  await using server = await startDemoClient({}, { maxRetries: 2 });
  server.demo.script(
    { kind: 'status', status: 429, retryAfterMs: 1 },
    { kind: 'status', status: 529, retryAfterMs: 1 },
  );
  expect((await server.client.messages.create(WORDS)).stop_reason).toBe('end_turn');
  expect(server.demo.requests.map(({ status }) => status)).toEqual([429, 529, 200]);
  expect(server.demo.billing.calls).toHaveLength(1);

  server.demo.script({ kind: 'status', status: 429, retryAfterSeconds: 7, shouldRetry: false });
  const error = await server.client.messages.create(WORDS).catch((caught: unknown) => caught);
  expect((error as { headers: Headers }).headers.get('retry-after')).toBe('7');
});

test('faults are used in order, by matching requests only', async () => {
  await using server = await startDemoClient();
  server.demo.script(
    { kind: 'reply', text: 'for opus', match: { model: 'claude-opus-5-5' } },
    { kind: 'reply', text: 'for “x”', match: { contains: 'the “x”' } },
    { kind: 'reply', text: 'for long ones', match: (body) => body.max_tokens > 5_000 },
    { kind: 'pass' },
    { kind: 'reply', text: 'twice', times: 2 },
  );
  const say = async (content: string, rest = {}) =>
    textOf(await server.client.messages.create(asking(content, rest)));
  expect(await say('[demo:reply ordinary]')).toBe('ordinary');
  expect(await say('this is the “x”')).toBe('for “x”');
  expect(await say('a')).toBe('twice');
  expect(await say('a', { max_tokens: 6_000 })).toBe('for long ones');
  expect(await say('a', { model: 'claude-opus-5-5' })).toBe('for opus');
  expect(await say('a')).toBe('twice');
  expect(await say('[demo:reply ordinary again]')).toBe('ordinary again');
});

test('a connection reset before any byte is a connection error, not billed', async () => {
  await using server = await startDemoClient();
  server.demo.script({ kind: 'reset' });
  await expect(server.client.messages.create({ ...WORDS, stream: true })).rejects.toMatchObject({
    message: 'Connection error.',
  });
  expect(server.demo.billing.calls).toEqual([]);
  expect(server.demo.requests[0]?.outcome).toBe('error');
});

test('a connection reset after some deltas ends the stream with an error and is billed so far', async () => {
  await using server = await startDemoClient();
  server.demo.script({ kind: 'reset', afterDeltas: 4 });
  const { events, error } = await streamWords(server);
  expect(error).toBeDefined();
  expect(deltaCount(events)).toBe(4);
  expect(server.demo.billing.calls).toMatchObject([{ outcome: 'error', outputTokens: 5 }]);
});

test('an error event comes as an APIError without a status', async () => {
  await using server = await startDemoClient();
  for (const errorType of ['overloaded_error', 'api_error'] as const) {
    server.demo.script({ kind: 'error_event', afterDeltas: 3, errorType });
    const { events, error } = await streamWords(server);
    expect(error).toMatchObject({ type: errorType, status: undefined });
    expect(deltaCount(events)).toBe(3);
  }
  expect(server.demo.billing.calls).toMatchObject([{ outcome: 'error' }, { outcome: 'error' }]);
  server.demo.script({ kind: 'error_event', afterDeltas: 3 });
  await expect(server.client.messages.create(WORDS)).rejects.toMatchObject({ status: 529 });
});

test('a cut stream ends silently and without message_stop', async () => {
  await using server = await startDemoClient();
  server.demo.script({ kind: 'cut', afterDeltas: 5 });
  const { events, error } = await streamWords(server);
  expect(error).toBeUndefined();
  expect(deltaCount(events)).toBe(5);
  expect(events.at(-1)?.type).toBe('content_block_delta');
  server.demo.script({ kind: 'cut', afterDeltas: 5 });
  await expect(server.client.messages.stream(WORDS).finalMessage()).rejects.toThrow();
});

test('garbage in the stream makes the SDK throw', async () => {
  await using server = await startDemoClient();
  server.demo.script({ kind: 'garbage', afterDeltas: 2 });
  const { events, error } = await streamWords(server);
  expect(error).toBeInstanceOf(SyntaxError);
  expect(deltaCount(events)).toBe(2);
  server.demo.script({ kind: 'garbage', afterDeltas: 0 });
  await expect(server.client.messages.create(WORDS)).rejects.toThrow();
});

test.each<[Fault, string]>([
  [{ kind: 'refusal', category: 'cyber', explanation: 'No.' }, 'refusal'],
  [{ kind: 'refusal', afterDeltas: 3 }, 'refusal'],
  [{ kind: 'max_tokens', afterDeltas: 3 }, 'max_tokens'],
  [{ kind: 'pause_turn', afterDeltas: 3 }, 'pause_turn'],
  [{ kind: 'model_context_window_exceeded', afterDeltas: 3 }, 'model_context_window_exceeded'],
])('%o stops with %s', async (fault, stopReason) => {
  await using server = await startDemoClient();
  server.demo.script({ ...fault, times: 2 });
  const { afterDeltas = 0 } = fault as { afterDeltas?: number };
  for (const message of [
    await server.client.messages.stream(WORDS).finalMessage(),
    await server.client.messages.create(WORDS),
  ]) {
    expect(message.stop_reason).toBe(stopReason);
    expect(textOf(message).split(' ').filter(Boolean)).toHaveLength(afterDeltas);
    expect(message.stop_details).toEqual(
      stopReason !== 'refusal'
        ? null
        : afterDeltas === 0
          ? { type: 'refusal', category: 'cyber', explanation: 'No.' }
          : { type: 'refusal', category: null, explanation: expect.any(String) },
    );
  }
  expect(server.demo.billing.calls.map(({ outcome }) => outcome)).toEqual([
    'completed',
    'completed',
  ]);
});

test('broken tool input is JSON that stops in the middle, with max_tokens', async () => {
  await using server = await startDemoClient();
  server.demo.script({ kind: 'broken_tool_input' });
  const stream = await server.client.messages.create({
    ...asking('What is 2 + 3?', { tools: [CALCULATOR] }),
    stream: true,
  });
  const { events } = await collect(stream);
  const json = events.map((event) =>
    event.type === 'content_block_delta' && event.delta.type === 'input_json_delta'
      ? event.delta.partial_json
      : '',
  );
  expect(json.join('')).toMatch(/^\{/);
  expect(() => JSON.parse(json.join('')) as unknown).toThrow();
  expect(events.find(({ type }) => type === 'message_delta')).toMatchObject({
    delta: { stop_reason: 'max_tokens' },
  });
});

test('scripted replies, tool calls and invalid structured output come word for word', async () => {
  await using server = await startDemoClient();
  const format = zodOutputFormat(z.object({ ok: z.boolean() }));
  server.demo.script(
    { kind: 'reply', text: 'Exactly  this.\n' },
    { kind: 'tool_calls', calls: [{ name: 'calculator', input: { expression: '1' } }] },
    { kind: 'invalid_structured_output' },
    { kind: 'invalid_structured_output', text: '{"ok":"yes"}' },
  );
  expect(textOf(await server.client.messages.stream(WORDS).finalMessage())).toBe(
    'Exactly  this.\n',
  );
  expect(await server.client.messages.create(asking('x', { tools: [CALCULATOR] }))).toMatchObject({
    stop_reason: 'tool_use',
    content: [{ name: 'calculator', input: { expression: '1' } }],
  });
  const structured = async () =>
    textOf(await server.client.messages.create(asking('x', { output_config: { format } })));
  const invalid = await structured();
  expect(() => JSON.parse(invalid) as unknown).toThrow();
  expect(await structured()).toBe('{"ok":"yes"}');
});

test('a slow first byte delays the headers past a short timeout', async () => {
  await using server = await startDemoClient();
  server.demo.script(
    { kind: 'slow_first_byte', delayMs: 60_000 },
    { kind: 'slow_first_byte', delayMs: 5 },
  );
  await expect(
    server.client.messages.create({ ...WORDS, stream: true }, { timeout: 50 }),
  ).rejects.toMatchObject({ message: 'Request timed out.' });
  await server.demo.waitForOpenCalls(0);
  expect(server.demo.requests[0]).toMatchObject({ outcome: 'aborted', status: null, billed: null });
  expect((await server.client.messages.create(WORDS)).model).toBe(MODEL);
});
