import { expect, test } from 'vitest';
import {
  asking,
  collect,
  deltaCount,
  MODEL,
  startDemoClient,
  textOf,
} from '../support/demo-client.ts';

test('a streamed answer says that it comes from the demo model and repeats the question', async () => {
  await using server = await startDemoClient();
  const message = await server.client.messages.stream(asking('Who wrote Faust?')).finalMessage();
  expect(textOf(message)).toContain('demo model');
  expect(textOf(message)).toContain('Who wrote Faust?');
  expect(textOf(message)).toContain('ANTHROPIC_API_KEY');
  expect(message.stop_reason).toBe('end_turn');
});

test('the stream has the events of the API, in order, with every nullable field', async () => {
  await using server = await startDemoClient();
  const stream = await server.client.messages.create({
    ...asking('[demo:reply Hello there, world]'),
    stream: true,
  });
  const { events } = await collect(stream);
  expect(events).toEqual([
    {
      type: 'message_start',
      message: {
        id: expect.stringMatching(/^msg_01\w{22}$/),
        type: 'message',
        role: 'assistant',
        model: MODEL,
        content: [],
        container: null,
        diagnostics: null,
        stop_reason: null,
        stop_sequence: null,
        stop_details: null,
        usage: {
          input_tokens: expect.any(Number),
          output_tokens: 1,
          cache_creation: null,
          cache_creation_input_tokens: null,
          cache_read_input_tokens: null,
          inference_geo: null,
          output_tokens_details: null,
          server_tool_use: null,
          service_tier: 'standard',
          speed: null,
        },
      },
    },
    {
      type: 'content_block_start',
      index: 0,
      content_block: { type: 'text', text: '', citations: null },
    },
    ...['Hello', ' there,', ' world'].map((text) => ({
      type: 'content_block_delta',
      index: 0,
      delta: { type: 'text_delta', text },
    })),
    { type: 'content_block_stop', index: 0 },
    {
      type: 'message_delta',
      delta: { container: null, stop_details: null, stop_reason: 'end_turn', stop_sequence: null },
      usage: {
        input_tokens: expect.any(Number),
        output_tokens: 5,
        cache_creation_input_tokens: null,
        cache_read_input_tokens: null,
        output_tokens_details: null,
        server_tool_use: null,
      },
    },
    { type: 'message_stop' },
  ]);
});

test('frames, ping and headers are those of the API', async () => {
  await using server = await startDemoClient();
  const response = await fetch(`${server.demo.url}/v1/messages`, {
    method: 'POST',
    headers: { authorization: 'Bearer x', 'anthropic-version': '2026-10-21' },
    body: JSON.stringify({ ...asking('[demo:reply Hi]'), stream: true }),
  });
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  expect(response.headers.get('request-id')).toMatch(/^req_01\w{22}$/);
  for (const kind of ['requests', 'tokens', 'input-tokens', 'output-tokens']) {
    expect(Number(response.headers.get(`anthropic-ratelimit-${kind}-limit`))).toBeGreaterThan(0);
    expect(Number(response.headers.get(`anthropic-ratelimit-${kind}-remaining`))).toBeGreaterThan(
      0,
    );
    expect(response.headers.get(`anthropic-ratelimit-${kind}-reset`)).toMatch(/^\d{4}-.*Z$/);
  }
  const frames = (await response.text()).trimEnd().split('\n\n');
  for (const frame of frames) {
    const [, event, data] = /^event: (\w+)\ndata: (\{.*\})$/.exec(frame) ?? [];
    expect((JSON.parse(data ?? '') as { type: string }).type).toBe(event);
  }
  expect(frames[1]).toBe('event: ping\ndata: {"type":"ping"}');
});

test('streamed or not, the same request gets the same text and usage', async () => {
  await using server = await startDemoClient();
  const request = asking('Say something about “ünïcode” 🙂, please.');
  const whole = await server.client.messages.create(request);
  const streamed = await server.client.messages.stream(request).finalMessage();
  expect(whole.content).toEqual(streamed.content);
  expect(whole.usage).toEqual(streamed.usage);
  expect(Object.keys(whole).toSorted()).toEqual(
    Object.keys(streamed)
      .filter((key) => key !== 'parsed_output')
      .toSorted(),
  );
});

test('usage, count_tokens and the bill agree', async () => {
  await using server = await startDemoClient();
  const { max_tokens: _, ...countable } = asking('How many tokens is this? [demo:words 100]', {
    system: 'Be brief.',
  });
  const { input_tokens } = await server.client.messages.countTokens(countable);
  const message = await server.client.messages
    .stream({ ...countable, max_tokens: 500 })
    .finalMessage();
  expect(message.usage.input_tokens).toBe(input_tokens);
  expect(message.usage.output_tokens).toBe(Math.ceil(Buffer.byteLength(textOf(message)) / 4));
  expect(server.demo.billing.calls).toMatchObject([
    {
      messageId: message.id,
      model: MODEL,
      inputTokens: input_tokens,
      outputTokens: message.usage.output_tokens,
      outcome: 'completed',
    },
  ]);
  expect(server.demo.requests.at(-1)).toMatchObject({
    outcome: 'completed',
    status: 200,
    path: '/v1/messages',
  });
});

test('max_tokens bounds what is generated, and says so', async () => {
  await using server = await startDemoClient();
  for (const limit of [1, 7, 50]) {
    const message = await server.client.messages
      .stream({ ...asking('[demo:words 200]'), max_tokens: limit })
      .finalMessage();
    expect(message.stop_reason).toBe('max_tokens');
    expect(message.usage.output_tokens).toBeLessThanOrEqual(limit);
    expect(message.usage.output_tokens).toBe(Math.max(1, Math.ceil(textOf(message).length / 4)));
  }
});

test('a stop sequence ends the text before itself', async () => {
  await using server = await startDemoClient();
  const request = asking('[demo:reply one two END three]', { stop_sequences: ['never', 'END'] });
  const message = await server.client.messages.create(request);
  expect(message).toMatchObject({ stop_reason: 'stop_sequence', stop_sequence: 'END' });
  expect(textOf(message)).toBe('one two ');
});

test('thinks when asked to, summarised or omitted, and counts it inside the output', async () => {
  await using server = await startDemoClient();
  const think = (display: 'summarized' | 'omitted') =>
    server.client.messages
      .stream(asking('[demo:think] [demo:reply Done]', { thinking: { type: 'adaptive', display } }))
      .finalMessage();
  const open = await think('summarized');
  expect(open.content).toMatchObject([
    {
      type: 'thinking',
      thinking: expect.stringContaining('demo model'),
      signature: expect.stringMatching(/.{40}/),
    },
    { type: 'text', text: 'Done' },
  ]);
  const thinkingTokens = open.usage.output_tokens_details?.thinking_tokens ?? 0;
  expect(thinkingTokens).toBeGreaterThan(1);
  expect(open.usage.output_tokens).toBe(thinkingTokens + 1);
  const omitted = await think('omitted');
  expect(omitted.content[0]).toMatchObject({
    type: 'thinking',
    thinking: '',
    signature: expect.any(String),
  });

  const echoed = [
    ...asking('[demo:think]').messages,
    { role: 'assistant' as const, content: omitted.content as never },
    { role: 'user' as const, content: '[demo:reply Again]' },
  ];
  const next = await server.client.messages.create({ ...asking('x'), messages: echoed });
  expect(textOf(next)).toBe('Again');
});

test('streams thousands of deltas, one for each word', async () => {
  await using server = await startDemoClient();
  const stream = await server.client.messages.create({
    ...asking('[demo:words 5000]'),
    max_tokens: 100_000,
    stream: true,
  });
  const { events } = await collect(stream);
  expect(deltaCount(events)).toBe(5_000);
});

test('does sums, leading-sentence summaries, few-shot labels and recalls the conversation', async () => {
  await using server = await startDemoClient();
  const say = async (content: string, rest = {}) =>
    textOf(await server.client.messages.create(asking(content, rest)));
  expect(await say('What is 12% of 250 plus 3?')).toContain('= 33');
  expect(
    await say('Summarise this in 2 sentences:\n\nOne is here. Two is there. Three is gone.'),
  ).toBe('Demo model: One is here. Two is there.');
  expect(
    await say(
      'Classify.\n\nText: I love it\nLabel: praise\n\nText: My bill is wrong\nLabel: billing\n\nText: The bill came twice\nLabel:',
    ),
  ).toBe('billing');
  expect(await say('Which sentiment?\n\nText: not good at all')).toBe('negative');
  expect(await say('What is 6 times 7?', { system: 'Think step by step.' })).toMatch(
    /1\. .*\n.*\n.*\nAnswer: 42$/,
  );
  const messages = [
    { role: 'user' as const, content: 'Hello, my name is Ada.' },
    { role: 'assistant' as const, content: 'Hello!' },
    { role: 'user' as const, content: 'What is my name?' },
  ];
  expect(textOf(await server.client.messages.create({ ...asking(''), messages }))).toContain('Ada');
});

test('lists the models with capabilities, limits and lifecycle', async () => {
  await using server = await startDemoClient();
  const models = [];
  for await (const model of server.client.models.list({ limit: 5 })) models.push(model);
  expect(new Set(models.map(({ id }) => id)).size).toBe(models.length);
  expect(models.map(({ id }) => id)).toContain('claude-opus-5-5');
  const haiku = await server.client.models.retrieve(MODEL);
  expect(haiku).toEqual(models.find(({ id }) => id === MODEL));
  expect(haiku).toMatchObject({
    type: 'model',
    display_name: 'Claude Haiku 5.5',
    line: 'haiku',
    lifecycle: 'active',
    retires_at: null,
    max_input_tokens: 1_000_000,
    max_tokens: 128_000,
    capabilities: { structured_outputs: { supported: true }, citations: { supported: true } },
  });
  const retiring = await server.client.models.retrieve('claude-sonnet-4-5');
  expect(retiring).toMatchObject({ lifecycle: 'deprecated', retires_at: '2026-11-30T00:00:00Z' });
  await expect(server.client.models.retrieve('claude-none')).rejects.toMatchObject({ status: 404 });
});
