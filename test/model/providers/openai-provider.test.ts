import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ModelCall, ModelEvent } from '../../../src/kernel/model.ts';
import { createModels } from '../../../src/model/create-models.ts';
import { createPrices } from '../../../src/model/prices/create-prices.ts';
import { createOpenAiProvider } from '../../../src/model/providers/openai/openai-provider.ts';
import { testLog } from '../../support/test-log.ts';
import { callModels, domainError, userText } from '../support/start-test-models.ts';
import { type OpenAiStandIn, type StandInReply, startOpenAiStandIn } from './openai-stand-in.ts';
import { describeProvider, type ScriptedAnswer } from './provider-contract.ts';

const someText = [{ role: 'assistant', content: '' }, { content: 'Some ' }, { content: 'text' }];

function toolDeltas(name: string, json: string): NonNullable<StandInReply['deltas']> {
  const begin = { index: 0, id: 'call_1', type: 'function', function: { name, arguments: '' } };
  const pieces = [json.slice(0, 5), json.slice(5)];
  const rest = pieces.map((piece) => ({
    tool_calls: [{ index: 0, function: { arguments: piece } }],
  }));
  return [{ role: 'assistant', content: null, tool_calls: [begin] }, ...rest];
}

function replyOf(answer: ScriptedAnswer): StandInReply {
  switch (answer.kind) {
    case 'text':
      return { deltas: [...answer.text].map((content) => ({ content })) };
    case 'tool_call':
      return {
        deltas: toolDeltas(answer.name, JSON.stringify(answer.input)),
        finishReason: 'tool_calls',
      };
    case 'broken_tool_call':
      return { deltas: toolDeltas('add', '{"a": 1'), finishReason: 'length' };
    case 'max_tokens':
      return { deltas: someText, finishReason: 'length' };
    case 'refusal':
      return { deltas: [{ refusal: 'I may ' }, { refusal: 'not.' }] };
    case 'status':
      return {
        status: answer.status,
        headers: { 'retry-after': String(answer.retryAfterSeconds ?? 0) },
        body: JSON.stringify({ error: { message: 'no', type: 'invalid_request_error' } }),
      };
    case 'cut':
      return { deltas: someText, ending: 'cut' };
    case 'error_event':
      return {
        deltas: someText,
        ending: { data: '{"error":{"message":"x","type":"server_error"}}' },
      };
    case 'garbage':
      return { deltas: someText, ending: { data: '{"choices": oh no' } };
    case 'stall':
      return { deltas: someText, ending: 'stall' };
    case 'silence':
      return { silent: true };
  }
}

async function startHarness() {
  const server = await startOpenAiStandIn();
  const provider = createOpenAiProvider({ apiKey: 'sk-test', baseURL: server.url, log: testLog });
  return {
    server,
    provider,
    model: 'gpt-test',
    script: (answer: ScriptedAnswer) => server.script(replyOf(answer)),
    lastRequest: () => server.requests.at(-1)?.body,
    waitForOpenCalls: server.waitForOpenCalls,
    async [Symbol.asyncDispose]() {
      await server.waitForOpenCalls(0);
      await provider.close?.();
      await server[Symbol.asyncDispose]();
    },
  };
}

describeProvider('OpenAI-compatible', startHarness);

async function sent(call: Partial<ModelCall>): Promise<Record<string, unknown>> {
  await using harness = await startHarness();
  const whole = { model: 'gpt-test', messages: [userText('Hi')], maxTokens: 99, ...call };
  const { signal } = new AbortController();
  for await (const event of harness.provider.stream(whole, { signal })) void event;
  return (harness.server as OpenAiStandIn).requests.at(-1)!.body;
}

describe('a chat completion request', () => {
  it('streams with usage, a key and the compatible token limit', async () => {
    await using harness = await startHarness();
    const call = {
      model: 'gpt-test',
      messages: [userText('Hi')],
      maxTokens: 99,
      system: 'Be kind.',
    };
    const { signal } = new AbortController();
    for await (const event of harness.provider.stream(call, { signal })) void event;
    expect(harness.server.requests[0]).toEqual({
      path: '/v1/chat/completions',
      authorization: 'Bearer sk-test',
      body: {
        model: 'gpt-test',
        messages: [
          { role: 'system', content: 'Be kind.' },
          { role: 'user', content: 'Hi' },
        ],
        max_tokens: 99,
        stream: true,
        stream_options: { include_usage: true },
      },
    });
  });

  it('numbers search results over the whole conversation', async () => {
    const search = (title: string) => ({
      type: 'search_result' as const,
      source: `${title}.md`,
      title,
      passages: ['One.', 'Two.'],
    });
    const body = await sent({
      messages: [
        { role: 'user', content: [search('a'), search('b'), { type: 'text', text: 'Which?' }] },
        {
          role: 'assistant',
          content: [{ type: 'tool_call', id: 'c1', name: 'find', input: { q: 1 } }],
        },
        {
          role: 'user',
          content: [
            { type: 'tool_result', toolCallId: 'c1', isError: false, content: [search('c')] },
          ],
        },
      ],
    });
    expect(body['messages']).toEqual([
      { role: 'user', content: '[1] a (a.md)\nOne.\nTwo.\n\n[2] b (b.md)\nOne.\nTwo.\n\nWhich?' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [
          { id: 'c1', type: 'function', function: { name: 'find', arguments: '{"q":1}' } },
        ],
      },
      { role: 'tool', tool_call_id: 'c1', content: '[3] c (c.md)\nOne.\nTwo.' },
    ]);
  });

  it('is strict only about schemas whose properties are all required', async () => {
    const strictOf = async (outputSchema: z.ZodType) =>
      (await sent({ outputSchema }))['response_format'] as { json_schema: { strict: boolean } };
    const required = await strictOf(z.object({ a: z.object({ b: z.string() }) }));
    expect(required.json_schema.strict).toBe(true);
    const optional = await strictOf(
      z.object({ a: z.array(z.object({ b: z.string().optional() })) }),
    );
    expect(optional.json_schema.strict).toBe(false);
  });
});

describe('a chat completion stream', () => {
  const read = async (reply: StandInReply) => {
    await using harness = await startHarness();
    harness.server.script(reply);
    const events: ModelEvent[] = [];
    const call = { model: 'gpt-test', messages: [userText('Hi')], maxTokens: 99 };
    const { signal } = new AbortController();
    for await (const event of harness.provider.stream(call, { signal })) events.push(event);
    return events;
  };

  it('bills cached input apart', async () => {
    const usage = {
      prompt_tokens: 100,
      completion_tokens: 5,
      prompt_tokens_details: { cached_tokens: 60 },
    };
    const events = await read({ deltas: [{ content: 'x' }], usage });
    expect(events.at(-1)).toMatchObject({
      usage: { inputTokens: 40, cacheReadTokens: 60, outputTokens: 5 },
    });
  });

  it('estimates the bill of a server that tells none', async () => {
    const events = await read({ deltas: [{ content: 'a word or two' }], usage: null });
    expect(events.at(-2)).toMatchObject({
      type: 'usage',
      estimated: true,
      usage: { outputTokens: 4 },
    });
    expect(events.at(-1)).toMatchObject({ type: 'finish' });
  });

  it('tells the thinking of servers that have it', async () => {
    const events = await read({ deltas: [{ reasoning_content: 'Hm.' }, { content: 'Yes.' }] });
    expect(events.filter(({ type }) => type === 'thinking')).toEqual([
      { type: 'thinking', text: 'Hm.' },
    ]);
  });

  it('keeps parallel tool calls apart', async () => {
    const call = (index: number, id: string, args: string) => ({
      tool_calls: [{ index, id, function: { name: `t${index}`, arguments: args } }],
    });
    const more = (index: number, args: string) => ({
      tool_calls: [{ index, function: { arguments: args } }],
    });
    const deltas = [call(0, 'a', '{"x":'), call(1, 'b', '{"y":'), more(1, '2}'), more(0, '1}')];
    const events = await read({ deltas, finishReason: 'tool_calls' });
    expect(events.at(-1)).toMatchObject({
      message: {
        content: [
          { type: 'tool_call', id: 'a', name: 't0', input: { x: 1 } },
          { type: 'tool_call', id: 'b', name: 't1', input: { y: 2 } },
        ],
      },
    });
  });
});

describe('models of an OpenAI-compatible server', () => {
  it('are addressed by prefix, slashes of their own included', async () => {
    await using harness = await startHarness();
    const models = createModels({
      providers: [harness.provider],
      prices: createPrices({
        overrides: { 'openai/meta/llama-test': { input: 1, output: '2.5' } },
      }),
      defaultModel: 'openai/gpt-test',
      log: testLog,
    });
    const model = models.resolve('openai/meta/llama-test');
    const { events, error } = await callModels(models, {
      call: { messages: [userText('Hi')], maxTokens: 9 },
      chain: [model],
      signal: new AbortController().signal,
      deadlineAt: new Date(Date.now() + 5_000),
    });
    expect(error).toBeUndefined();
    expect(events[0]).toMatchObject({ type: 'start', model: 'openai/meta/llama-test' });
    expect(harness.lastRequest()).toMatchObject({ model: 'meta/llama-test' });
    expect(await models.list()).toMatchObject([
      { id: 'openai/gpt-test', provider: 'openai', price: null },
      { id: 'openai/meta/llama-test', price: { inputPerMillion: '1', outputPerMillion: '2.5' } },
    ]);
    expect(() => models.resolve('claude-haiku-5-5')).toThrow(/no provider/);
    expect(models.resolve(null)).toBe('openai/gpt-test');
  });

  it('fail as a connection when nobody is there', async () => {
    const server = await startOpenAiStandIn();
    await server[Symbol.asyncDispose]();
    const provider = createOpenAiProvider({ baseURL: server.url, log: testLog });
    const { signal } = new AbortController();
    const stream = provider.stream(
      { model: 'x', messages: [userText('Hi')], maxTokens: 9 },
      { signal },
    );
    const error = await stream[Symbol.asyncIterator]()
      .next()
      .catch((thrown: unknown) => thrown);
    expect(domainError(error)).toMatchObject({ code: 'MODEL_UNAVAILABLE', retryable: true });
    expect(domainError(error).message).not.toContain('127.0.0.1');
  });
});
