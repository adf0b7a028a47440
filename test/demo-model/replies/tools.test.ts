import type {
  Message,
  MessageParam,
  ToolUseBlock,
} from '@anthropic-ai/sdk/resources/messages/messages';
import { expect, test } from 'vitest';
import {
  asking,
  CALCULATOR,
  collect,
  KNOWLEDGE_SEARCH,
  MODEL,
  startDemoClient,
  textOf,
} from '../support/demo-client.ts';

const TOOLS = [
  CALCULATOR,
  KNOWLEDGE_SEARCH,
  {
    name: 'get_weather',
    description: 'Weather of a city',
    input_schema: {
      type: 'object' as const,
      properties: { city: { type: 'string' }, units: { enum: ['metric', 'imperial'] } },
      required: ['city', 'units'],
    },
  },
  {
    name: 'clock',
    description: 'The current time',
    input_schema: { type: 'object' as const, properties: { timeZone: { type: 'string' } } },
  },
  {
    name: 'roll_dice',
    description: 'Rolls dice',
    input_schema: {
      type: 'object' as const,
      properties: { sides: { type: 'integer' }, label: { type: 'string' } },
      required: ['sides'],
    },
  },
];

function callsOf(message: Message): { name: string; input: unknown }[] {
  return message.content
    .filter((block): block is ToolUseBlock => block.type === 'tool_use')
    .map(({ name, input }) => ({ name, input }));
}

/** The next request of an agent: what was said, the assistant's content verbatim, and a result for each call. */
function answered(before: MessageParam[], message: Message, results: unknown[]): MessageParam[] {
  const ids = message.content.filter((block) => block.type === 'tool_use').map(({ id }) => id);
  return [
    ...before,
    { role: 'assistant', content: message.content as MessageParam['content'] & [] },
    {
      role: 'user',
      content: ids.map((tool_use_id, index) => ({
        type: 'tool_result' as const,
        tool_use_id,
        content: results[index] as string,
      })),
    },
  ];
}

test('a sum goes to the calculator, and the answer quotes its result', async () => {
  await using server = await startDemoClient();
  const request = asking('What is 17 * (3 + 4)?', { tools: TOOLS });
  const turn = await server.client.messages.stream(request).finalMessage();
  expect(turn.stop_reason).toBe('tool_use');
  expect(callsOf(turn)).toEqual([{ name: 'calculator', input: { expression: '17 * (3 + 4)' } }]);
  const messages = answered(request.messages, turn, ['{"result":119}']);
  const final = await server.client.messages.stream({ ...request, messages }).finalMessage();
  expect(final.stop_reason).toBe('end_turn');
  expect(textOf(final)).toContain('17 * (3 + 4) = 119.');
});

test.for([
  ['What is 1/0?', '1/0'],
  ['What is 1.5e3*10?', '1.5e3*10'],
] as const)('%s goes to the calculator whole', async ([question, expression]) => {
  await using server = await startDemoClient();
  const turn = await server.client.messages.create(asking(question, { tools: TOOLS }));
  expect(callsOf(turn)).toEqual([{ name: 'calculator', input: { expression } }]);
});

test.for(['What is 1e400*10?', 'What is part400*10?'])(
  'no part of a number or a name is a sum: %s',
  async (question) => {
    await using server = await startDemoClient();
    const turn = await server.client.messages.create(asking(question, { tools: TOOLS }));
    expect(callsOf(turn).map(({ name }) => name)).toEqual(['search_knowledge']);
  },
);

test('one message can need several tools at once', async () => {
  await using server = await startDemoClient();
  const plan = async (content: string, rest = {}) =>
    callsOf(await server.client.messages.create(asking(content, { tools: TOOLS, ...rest })));
  const search = { name: 'search_knowledge', input: { query: 'the refund policy' } };
  const sum = { name: 'calculator', input: { expression: '2+3' } };
  expect(await plan('Search the docs for the refund policy and compute 2+3')).toEqual([
    sum,
    search,
  ]);
  expect(
    await plan('Search the docs for the refund policy and compute 2+3', {
      tool_choice: { type: 'auto', disable_parallel_tool_use: true },
    }),
  ).toEqual([sum]);
  expect(
    await plan('What is the weather in Paris and New York, and what time is it in Tokyo?'),
  ).toEqual([
    { name: 'get_weather', input: { city: 'Paris', units: 'metric' } },
    { name: 'get_weather', input: { city: 'New York', units: 'metric' } },
    { name: 'clock', input: { timeZone: 'Asia/Tokyo' } },
  ]);
  expect(await plan('Please use roll_dice with 20 sides')).toEqual([
    { name: 'roll_dice', input: { sides: 20 } },
  ]);
  expect(await plan('How do I reset my password?')).toEqual([
    { name: 'search_knowledge', input: { query: 'How do I reset my password?' } },
  ]);
});

test('no tool is called where none fits or none may be', async () => {
  await using server = await startDemoClient();
  const say = (content: string, rest = {}) =>
    server.client.messages.create(asking(content, { tools: TOOLS, ...rest }));
  expect((await say('Hello!')).stop_reason).toBe('end_turn');
  expect((await say('On 2026-11-22 we met.')).stop_reason).toBe('end_turn');
  expect((await say('2 + 2?', { tool_choice: { type: 'none' } })).stop_reason).toBe('end_turn');
});

test('a forced tool is called on the models that still allow it', async () => {
  await using server = await startDemoClient();
  const forced = await server.client.messages.create(
    asking('Hello', { tools: TOOLS, tool_choice: { type: 'tool', name: 'search_knowledge' } }),
  );
  expect(callsOf(forced)).toEqual([{ name: 'search_knowledge', input: { query: 'Hello' } }]);
});

test('a tool call streams an empty input, then its JSON in pieces', async () => {
  await using server = await startDemoClient();
  const stream = await server.client.messages.create({
    ...asking('[demo:tool calculator {"expression":"[1, 2] + \\"ünï\\" and so on"}]', {
      tools: TOOLS,
    }),
    stream: true,
  });
  const { events } = await collect(stream);
  expect(events.find(({ type }) => type === 'content_block_start')).toMatchObject({
    content_block: {
      type: 'tool_use',
      id: expect.stringMatching(/^toolu_01\w{22}$/),
      name: 'calculator',
      input: {},
      caller: { type: 'direct' },
    },
  });
  const pieces = events.flatMap((event) =>
    event.type === 'content_block_delta' && event.delta.type === 'input_json_delta'
      ? [event.delta.partial_json]
      : [],
  );
  expect(pieces[0]).toBe('');
  expect(pieces.length).toBeGreaterThan(3);
  expect(JSON.parse(pieces.join(''))).toEqual({ expression: '[1, 2] + "ünï" and so on' });
});

test('instructions script an agent turn by turn, and for ever', async () => {
  await using server = await startDemoClient();
  const run = async (content: string, turns: number) => {
    let request = asking(content, { tools: TOOLS });
    const calls = [];
    for (let turn = 0; turn < turns; turn += 1) {
      const message = await server.client.messages.create(request);
      calls.push(callsOf(message).map(({ input }) => input));
      if (message.stop_reason === 'end_turn') return { calls, text: textOf(message) };
      const results = callsOf(message).map(() => 'ok');
      request = { ...request, messages: answered(request.messages, message, results) };
    }
    return { calls, text: '' };
  };
  expect(
    await run(
      '[demo:tool clock {}] [demo:tool roll_dice {"sides":6}] [demo:next] [demo:tool clock {"timeZone":"UTC"}] [demo:reply Finished.]',
      9,
    ),
  ).toEqual({ calls: [[{}, { sides: 6 }], [{ timeZone: 'UTC' }], []], text: 'Finished.' });
  expect((await run('[demo:loop clock {}]', 6)).calls).toHaveLength(6);
});

test('a failed tool is reported in the answer', async () => {
  await using server = await startDemoClient();
  const request = asking('1 / 0 + 2', { tools: TOOLS });
  const messages: MessageParam[] = [
    ...request.messages,
    {
      role: 'assistant',
      content: [{ type: 'tool_use', id: 't1', name: 'calculator', input: { expression: '1/0' } }],
    },
    {
      role: 'user',
      content: [
        { type: 'tool_result', tool_use_id: 't1', is_error: true, content: 'division by zero' },
      ],
    },
  ];
  const final = await server.client.messages.create({ ...request, messages });
  expect(textOf(final)).toContain('The tool calculator failed: division by zero');
});

test('search results inside a tool result are cited', async () => {
  await using server = await startDemoClient();
  const question = 'Search the docs: within how many days is a refund paid?';
  const request = asking(question, { tools: TOOLS, model: MODEL });
  const turn = await server.client.messages.create(request);
  const passage = 'A refund is paid within 30 days.';
  const result = [
    {
      type: 'search_result',
      source: 'doc://returns',
      title: 'Returns',
      content: [
        { type: 'text', text: 'We like customers.' },
        { type: 'text', text: passage },
      ],
      citations: { enabled: true },
    },
  ];
  const final = await server.client.messages
    .stream({ ...request, messages: answered(request.messages, turn, [result]) })
    .finalMessage();
  const cited = final.content.filter((block) => block.type === 'text' && block.citations !== null);
  expect(cited).toEqual([
    {
      type: 'text',
      text: passage,
      citations: [
        {
          type: 'search_result_location',
          source: 'doc://returns',
          title: 'Returns',
          cited_text: passage,
          search_result_index: 0,
          start_block_index: 1,
          end_block_index: 2,
        },
      ],
    },
  ]);
});
