import type { Usage } from '@anthropic-ai/sdk/resources/messages/messages';
import { expect, test } from 'vitest';
import { PromptCache } from '../../../src/demo-model/billing/prompt-cache.ts';
import type { DemoState } from '../../../src/demo-model/faults/control-routes.ts';
import { asking, MODEL, startDemoClient, textOf } from '../support/demo-client.ts';

const LONG = 'A rule of the house. '.repeat(400);

function counters(usage: Usage) {
  return {
    read: usage.cache_read_input_tokens,
    written: usage.cache_creation_input_tokens,
    fiveMinutes: usage.cache_creation?.ephemeral_5m_input_tokens,
    oneHour: usage.cache_creation?.ephemeral_1h_input_tokens,
  };
}

test.each(['5m', '1h'] as const)(
  'a repeated prefix of %s is written once and read afterwards',
  async (ttl) => {
    await using server = await startDemoClient();
    const request = (question: string) =>
      asking(question, {
        system: [{ type: 'text', text: LONG, cache_control: { type: 'ephemeral', ttl } }],
      });
    const first = (await server.client.messages.create(request('One?'))).usage;
    const second = (await server.client.messages.stream(request('Two, then?')).finalMessage())
      .usage;
    const size = first.cache_creation_input_tokens ?? 0;
    expect(size).toBeGreaterThan(2_000);
    expect(counters(first)).toEqual({
      read: 0,
      written: size,
      fiveMinutes: ttl === '5m' ? size : 0,
      oneHour: ttl === '1h' ? size : 0,
    });
    expect(counters(second)).toEqual({ read: size, written: 0, fiveMinutes: 0, oneHour: 0 });
    const { max_tokens: _, ...countable } = request('Two, then?');
    const { input_tokens: counted } = await server.client.messages.countTokens(countable);
    expect(second.input_tokens + size).toBe(counted);
    expect(server.demo.billing.calls).toMatchObject([
      { cacheReadTokens: 0, [ttl === '5m' ? 'cacheWrite5mTokens' : 'cacheWrite1hTokens']: size },
      { cacheReadTokens: size, cacheWrite5mTokens: 0, cacheWrite1hTokens: 0 },
    ]);
  },
);

test('automatic caching writes the conversation and extends it turn by turn', async () => {
  await using server = await startDemoClient();
  const automatic = { cache_control: { type: 'ephemeral' as const }, system: LONG };
  const messages = [{ role: 'user' as const, content: 'One?' }];
  const first = (await server.client.messages.create({ ...asking('', automatic), messages })).usage;
  const longer = [
    ...messages,
    { role: 'assistant' as const, content: 'Yes.' },
    { role: 'user' as const, content: 'Two?' },
  ];
  const second = (
    await server.client.messages.create({ ...asking('', automatic), messages: longer })
  ).usage;
  expect(first).toMatchObject({ input_tokens: 0, cache_read_input_tokens: 0 });
  expect(second.cache_read_input_tokens).toBe(first.cache_creation_input_tokens);
  expect(second.cache_creation_input_tokens).toBeGreaterThan(0);
  expect(second.cache_creation_input_tokens).toBeLessThan(50);
});

test('another model, another prefix or a short one reads nothing', async () => {
  await using server = await startDemoClient();
  const automatic = { cache_control: { type: 'ephemeral' as const }, system: LONG };
  const usageFor = async (rest: object) =>
    (await server.client.messages.create(asking('One?', { ...automatic, ...rest }))).usage;
  await usageFor({});
  expect(await usageFor({ model: 'claude-opus-5-5' })).toMatchObject({
    cache_read_input_tokens: 0,
  });
  expect(await usageFor({ system: `Different. ${LONG}` })).toMatchObject({
    cache_read_input_tokens: 0,
  });
  expect(await usageFor({ system: 'Short.' })).toMatchObject({
    cache_read_input_tokens: 0,
    cache_creation_input_tokens: 0,
  });
  expect((await usageFor({})).cache_read_input_tokens).toBeGreaterThan(2_000);
});

test('a cached prefix lives as long as its lifetime since it was last read', () => {
  let now = 0;
  const cache = new PromptCache(() => now);
  const request = asking('One?', { cache_control: { type: 'ephemeral' }, system: LONG });
  const minutes = (count: number) => {
    now += count * 60_000;
    return cache.apply(request).cacheReadTokens > 0;
  };
  expect([minutes(0), minutes(4), minutes(4), minutes(6), minutes(1)]).toEqual([
    false,
    true,
    true,
    false,
    true,
  ]);
});

test('a suite in another process scripts, holds, watches and resets over HTTP', async () => {
  await using server = await startDemoClient();
  const control = async (method: string, route: string, body?: unknown) => {
    const response = await fetch(`${server.demo.url}/demo/${route}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return {
      status: response.status,
      body: (await response.json()) as DemoState & { error?: string },
    };
  };
  expect(
    await control('POST', 'script', [
      { kind: 'status', status: 529, match: { contains: 'over' } },
      { kind: 'reply', text: 'scripted', times: 2 },
    ]),
  ).toMatchObject({ status: 200, body: { accepted: 2 } });
  const say = async (content: string) =>
    textOf(await server.client.messages.create(asking(content)));
  expect(await say('a')).toBe('scripted');
  await expect(say('over')).rejects.toMatchObject({ status: 529 });

  await control('POST', 'hold');
  const held = say('b');
  await expect.poll(async () => (await control('GET', 'state')).body.openCalls).toBe(1);
  expect((await control('GET', 'state')).body).toMatchObject({
    requests: 3,
    holding: true,
    scriptedFaults: 0,
  });
  await control('POST', 'release');
  expect(await held).toBe('scripted');

  const state = (await control('GET', 'state')).body;
  expect(state).toMatchObject({ requests: 3, openCalls: 0, gatedCalls: 0, holding: false });
  expect(state.billing.totals).toEqual({ ...server.demo.billing.totals, calls: 2 });
  expect(state.billing.calls).toMatchObject([
    { model: MODEL, outcome: 'completed' },
    { model: MODEL },
  ]);
  expect((await control('POST', 'reset')).body).toMatchObject({
    requests: 0,
    billing: { calls: [], totals: { calls: 0 } },
  });
  for (const bad of [
    'x',
    { kind: 'nothing' },
    { kind: 'cut' },
    { kind: 'cut', afterDeltas: 'two' },
    { kind: 'pass', soon: 1 },
  ]) {
    expect((await control('POST', 'script', [bad])).status).toBe(400);
  }
  expect((await control('GET', 'nowhere')).status).toBe(404);
});

test('instructions in the message bring faults: always, so many times, or in one turn', async () => {
  await using server = await startDemoClient();
  const say = async (content: string) =>
    textOf(await server.client.messages.create(asking(content)));
  for (let attempt = 0; attempt < 3; attempt += 1) {
    await expect(say('[demo:fault overloaded] Hi')).rejects.toMatchObject({ status: 529 });
  }
  await expect(
    say('[demo:fault 429 times=1 retryAfterSeconds=9] [demo:reply ok]'),
  ).rejects.toMatchObject({ status: 429 });
  expect(await say('[demo:fault 429 times=1 retryAfterSeconds=9] [demo:reply ok]')).toBe('ok');
  await expect(say('[demo:fault error-event after=0] Hi')).rejects.toMatchObject({ status: 529 });
  expect(await say('[demo:fault refusal turn=2] [demo:reply first turn]')).toBe('first turn');

  const messages = [
    { role: 'user' as const, content: '[demo:loop clock {}] [demo:fault refusal turn=2]' },
    {
      role: 'assistant' as const,
      content: [{ type: 'tool_use' as const, id: 't', name: 'clock', input: {} }],
    },
    {
      role: 'user' as const,
      content: [{ type: 'tool_result' as const, tool_use_id: 't', content: 'noon' }],
    },
  ];
  const second = await server.client.messages.create({ ...asking(''), messages });
  expect(second.stop_reason).toBe('refusal');
});

test('instructions may nest brackets, and unknown ones are plain text', async () => {
  await using server = await startDemoClient();
  const say = async (content: string) =>
    textOf(await server.client.messages.create(asking(content)));
  expect(await say('Please [demo:reply a list: [1, [2]] done] now')).toBe('a list: [1, [2]] done');
  expect(await say('What is [demo:unknown thing]?')).toContain('What is [demo:unknown thing]?');
  expect(await say('Unclosed [demo:reply x')).toContain('Unclosed [demo:reply x');
});

test('only so many requests are kept, all are counted', async () => {
  await using server = await startDemoClient({ keepRequests: 3 });
  for (let count = 0; count < 5; count += 1)
    await server.client.messages.create(asking(`Number ${count}`));
  expect(server.demo.requests.map(({ body }) => body?.messages[0]?.content)).toEqual([
    'Number 2',
    'Number 3',
    'Number 4',
  ]);
  expect(server.demo.billing.totals.calls).toBe(5);
});
