import { once } from 'node:events';
import { connect } from 'node:net';
import type { MessageCreateParamsBase } from '@anthropic-ai/sdk/resources/messages/messages';
import { expect, test } from 'vitest';
import { asking, CALCULATOR, startDemoClient } from '../support/demo-client.ts';

const call = { type: 'tool_use', id: 't1', name: 'calculator', input: {} };
const result = { type: 'tool_result', tool_use_id: 't1', content: '1' };
const user = { role: 'user', content: 'Hi' };
const cited = {
  type: 'search_result',
  source: 's',
  title: 't',
  content: [{ type: 'text', text: 'x' }],
  citations: { enabled: true },
};
const closed = { type: 'object', additionalProperties: false, properties: {} };
const formatOf = (schema: object) => ({
  output_config: { format: { type: 'json_schema', schema } },
});
const cached = (ttl: string) => ({
  type: 'text',
  text: 'x',
  cache_control: { type: 'ephemeral', ttl },
});

/** What is wrong, what the request differs in from a good one, and what the API says of it. */
const BAD: [string, Record<string, unknown>, number, string][] = [
  ['temperature', { temperature: 0 }, 400, 'temperature'],
  ['top_p', { top_p: 0.5 }, 400, 'top_p'],
  ['top_k', { top_k: 5 }, 400, 'top_k'],
  ['an unknown field', { n: 2 }, 400, 'n: Extra inputs are not permitted'],
  ['an unknown model', { model: 'claude-9' }, 404, 'model: claude-9'],
  ['no model', { model: undefined }, 400, 'model: Field required'],
  ['no max_tokens', { max_tokens: undefined }, 400, 'max_tokens: Field required'],
  ['max_tokens of 0', { max_tokens: 0 }, 400, 'greater than or equal to 1'],
  ['max_tokens too large', { max_tokens: 128_001 }, 400, '128001 > 128000'],
  ['no messages', { messages: [] }, 400, 'at least one message is required'],
  [
    'the assistant first',
    { messages: [{ role: 'assistant', content: 'Hi' }] },
    400,
    'first message must use the "user" role',
  ],
  ['an empty message', { messages: [{ role: 'user', content: '' }] }, 400, 'non-empty content'],
  [
    'an empty text block',
    { messages: [{ role: 'user', content: [{ type: 'text', text: '' }] }] },
    400,
    'text content blocks must be non-empty',
  ],
  [
    'an unknown block',
    { messages: [{ role: 'user', content: [{ type: 'poem' }] }] },
    400,
    "Input tag 'poem'",
  ],
  [
    'an unanswered tool_use',
    { messages: [user, { role: 'assistant', content: [call] }, user] },
    400,
    'without `tool_result` blocks immediately after: t1',
  ],
  [
    'a tool_use at the end',
    { messages: [user, { role: 'assistant', content: [call] }] },
    400,
    'without `tool_result` blocks immediately after: t1',
  ],
  [
    'a tool_result after text',
    {
      messages: [
        user,
        { role: 'assistant', content: [call] },
        { role: 'user', content: [{ type: 'text', text: 'so' }, result] },
      ],
    },
    400,
    'immediately after: t1',
  ],
  [
    'a tool_result without its tool_use',
    { messages: [user, { role: 'assistant', content: 'Hi' }, { role: 'user', content: [result] }] },
    400,
    'unexpected `tool_use_id` found in `tool_result` blocks: t1',
  ],
  [
    'two results of one tool_use',
    {
      messages: [
        user,
        { role: 'assistant', content: [call] },
        { role: 'user', content: [result, result] },
      ],
    },
    400,
    'must have a single result',
  ],
  [
    'a forced tool on Opus 5.5',
    { model: 'claude-opus-5-5', tools: [CALCULATOR], tool_choice: { type: 'any' } },
    400,
    'not supported on claude-opus-5-5',
  ],
  [
    'a forced tool on Sonnet 5.5',
    {
      model: 'claude-sonnet-5-5',
      tools: [CALCULATOR],
      tool_choice: { type: 'tool', name: 'calculator' },
    },
    400,
    'not supported',
  ],
  [
    'a forced tool on Fable 5.2',
    { model: 'claude-fable-5-2', tools: [CALCULATOR], tool_choice: { type: 'any' } },
    400,
    'not supported',
  ],
  [
    'a forced tool that is not there',
    { tools: [CALCULATOR], tool_choice: { type: 'tool', name: 'x' } },
    400,
    "Tool 'x' not found",
  ],
  ['two tools of one name', { tools: [CALCULATOR, CALCULATOR] }, 400, 'unique'],
  [
    'a tool name with a space',
    { tools: [{ ...CALCULATOR, name: 'a b' }] },
    400,
    'should match pattern',
  ],
  [
    'a tool without an object schema',
    { tools: [{ ...CALCULATOR, input_schema: { type: 'string' } }] },
    400,
    "should be 'object'",
  ],
  [
    'an open object in the format',
    formatOf({ type: 'object', properties: {} }),
    400,
    "'additionalProperties' must be explicitly set to false",
  ],
  [
    'a bound in the format',
    formatOf({ ...closed, properties: { n: { type: 'number', minimum: 0 } } }),
    400,
    'minimum are not supported',
  ],
  [
    'a reference to nowhere in the format',
    formatOf({ ...closed, properties: { n: { $ref: '#/$defs/x' } } }),
    400,
    'does not resolve',
  ],
  [
    'a format without type',
    formatOf({ ...closed, properties: { n: {} } }),
    400,
    'Schema type is required',
  ],
  [
    'a format with citations',
    {
      ...formatOf(closed),
      messages: [{ role: 'user', content: [cited, { type: 'text', text: 'x' }] }],
    },
    400,
    'citations',
  ],
  ['an unknown effort', { output_config: { effort: 'extreme' } }, 400, 'output_config.effort'],
  [
    'an effort where there is no dial',
    { model: 'claude-haiku-4-5', output_config: { effort: 'low' } },
    400,
    'effort parameter',
  ],
  [
    'adaptive thinking on a 4.5 model',
    { model: 'claude-haiku-4-5', thinking: { type: 'adaptive' } },
    400,
    "'adaptive' is not supported",
  ],
  [
    'five cache breakpoints',
    { messages: [{ role: 'user', content: [1, 2, 3, 4, 5].map(() => cached('5m')) }] },
    400,
    'Found 5',
  ],
  [
    'an hour after five minutes',
    { messages: [{ role: 'user', content: [cached('5m'), cached('1h')] }] },
    400,
    "ttl='1h'",
  ],
  [
    'an unknown lifetime',
    { cache_control: { type: 'ephemeral', ttl: '1d' } },
    400,
    'cache_control',
  ],
  [
    'a prompt longer than the window',
    { model: 'claude-haiku-4-5', messages: [{ role: 'user', content: 'x'.repeat(810_000) }] },
    400,
    'prompt is too long',
  ],
  [
    'an instruction that can not be read',
    { messages: [{ role: 'user', content: '[demo:fault explode]' }] },
    400,
    'unknown fault kind',
  ],
];

test.each(BAD)('%s is refused', async (_, difference, status, message) => {
  await using server = await startDemoClient();
  const request = { ...asking('Hi'), ...difference } as MessageCreateParamsBase;
  const error = await server.client.messages
    .create({ ...request, stream: false }, { timeout: 10_000 })
    .catch((caught: unknown) => caught);
  expect(error).toMatchObject({
    status,
    type: status === 404 ? 'not_found_error' : 'invalid_request_error',
    apiMessage: expect.stringContaining(message),
  });
  expect(server.demo.billing.calls).toEqual([]);
});

test('the good requests next to the refused ones pass', async () => {
  await using server = await startDemoClient();
  const good: Record<string, unknown>[] = [
    { model: 'demo-anything' },
    { model: 'claude-mock-1' },
    { max_tokens: 20_000 },
    { tools: [CALCULATOR], tool_choice: { type: 'any' } },
    {
      messages: [
        user,
        { role: 'assistant', content: [call] },
        { role: 'user', content: [result, { type: 'text', text: 'so' }] },
      ],
    },
    formatOf({
      ...closed,
      $defs: { x: { type: 'string' } },
      properties: { n: { $ref: '#/$defs/x' } },
    }),
    { output_config: { effort: 'max' }, thinking: { type: 'adaptive' } },
    { messages: [{ role: 'user', content: [cached('1h'), cached('5m')] }] },
  ];
  for (const difference of good) {
    const request = { ...asking('Hi'), ...difference } as MessageCreateParamsBase;
    expect(await server.client.messages.create({ ...request, stream: false })).toMatchObject({
      type: 'message',
    });
  }
});

test('the key, the version, the path and the size of a request are checked', async () => {
  await using server = await startDemoClient();
  const version = { 'anthropic-version': '2026-10-21' };
  const post = async (headers: Record<string, string>, body: string, path = '/v1/messages') => {
    const response = await fetch(`${server.demo.url}${path}`, { method: 'POST', headers, body });
    return [response.status, ((await response.json()) as { error: { type: string } }).error.type];
  };
  const body = JSON.stringify(asking('Hi'));
  expect(await post(version, body)).toEqual([401, 'authentication_error']);
  expect(await post({ ...version, 'x-api-key': 'k' }, body)).toEqual([401, 'authentication_error']);
  expect(await post({ authorization: 'Bearer k' }, body)).toEqual([400, 'invalid_request_error']);
  const headers = { ...version, authorization: 'Bearer k' };
  expect(await post(headers, '{"model":')).toEqual([400, 'invalid_request_error']);
  expect(await post(headers, body, '/v1/complete')).toEqual([404, 'not_found_error']);
  expect(await post(headers, `"${'x'.repeat(33 * 1024 * 1024)}"`)).toEqual([
    413,
    'request_too_large',
  ]);
});

test('no key is needed where none is required', async () => {
  await using server = await startDemoClient({ requireKey: false });
  const response = await fetch(`${server.demo.url}/v1/messages`, {
    method: 'POST',
    headers: { 'anthropic-version': '2026-10-21' },
    body: JSON.stringify(asking('Hi')),
  });
  expect(response.status).toBe(200);
});

test('a request line that is no URL does not end the server', async () => {
  await using server = await startDemoClient();
  const port = Number(new URL(server.demo.url).port);
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.end('GET // HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(socket, 'close');
  expect(await server.client.messages.create(asking('Hi'))).toMatchObject({ type: 'message' });
});
