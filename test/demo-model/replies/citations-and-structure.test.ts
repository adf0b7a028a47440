import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
import type {
  SearchResultBlockParam,
  TextBlock,
} from '@anthropic-ai/sdk/resources/messages/messages';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { asking, collect, startDemoClient, textOf } from '../support/demo-client.ts';

function searchResult(source: string, ...paragraphs: string[]): SearchResultBlockParam {
  return {
    type: 'search_result',
    source,
    title: `Title of ${source}`,
    content: paragraphs.map((text) => ({ type: 'text', text })),
    citations: { enabled: true },
  };
}

const RESULTS = [
  searchResult('a', 'Our shop opened in 1999.', 'It sells lamps and chairs.'),
  searchResult(
    'b',
    'Parcels leave on Mondays.',
    'Refunds are paid within 30 days. Bring the receipt.',
  ),
];

test('a citation names the block that holds the quoted sentence', async () => {
  await using server = await startDemoClient();
  const message = await server.client.messages
    .stream(asking([...RESULTS, { type: 'text', text: 'When are refunds paid?' }]))
    .finalMessage();
  const blocks = message.content as TextBlock[];
  expect(blocks.length).toBeGreaterThanOrEqual(3);
  const cited = blocks.filter(({ citations }) => citations !== null);
  expect(cited).toHaveLength(1);
  expect(cited[0]?.text).toBe('Refunds are paid within 30 days.');
  const [citation] = cited[0]?.citations ?? [];
  if (citation?.type !== 'search_result_location') throw new Error('not a search result citation');
  const { content } = RESULTS[citation.search_result_index] ?? { content: [] };
  const located = content.slice(citation.start_block_index, citation.end_block_index);
  expect(citation.cited_text).toBe(located.map(({ text }) => text).join(''));
  expect(citation).toMatchObject({
    source: 'b',
    title: 'Title of b',
    search_result_index: 1,
    start_block_index: 1,
  });
  expect(textOf(message)).toMatch(
    /^From your sources: Refunds are paid within 30 days\.\n\n\(Demo model/,
  );
});

test('a citation is a delta of its own, after the text it belongs to', async () => {
  await using server = await startDemoClient();
  const stream = await server.client.messages.create({
    ...asking([...RESULTS, { type: 'text', text: 'When are refunds paid?' }]),
    stream: true,
  });
  const { events } = await collect(stream);
  const ofCited = events.filter((event) => 'index' in event && event.index === 1);
  expect(ofCited[0]).toMatchObject({ content_block: { type: 'text', text: '', citations: [] } });
  expect(ofCited.at(-2)).toMatchObject({ delta: { type: 'citations_delta' } });
  expect(ofCited.at(-1)).toMatchObject({ type: 'content_block_stop' });
});

test('the index of a search result counts all of them, over all messages', async () => {
  await using server = await startDemoClient();
  const messages = [
    {
      role: 'user' as const,
      content: [...RESULTS, { type: 'text' as const, text: 'When are refunds paid?' }],
    },
    { role: 'assistant' as const, content: 'Within 30 days.' },
    {
      role: 'user' as const,
      content: [
        searchResult('c', 'Lamps have two years of guarantee.'),
        { type: 'text' as const, text: 'How long is the guarantee on lamps?' },
      ],
    },
  ];
  const message = await server.client.messages.create({ ...asking('x'), messages });
  const cited = (message.content as TextBlock[]).flatMap(({ citations }) => citations ?? []);
  expect(cited).toMatchObject([
    { source: 'c', search_result_index: 2, start_block_index: 0, end_block_index: 1 },
  ]);
});

test('without a shared content word it says so and cites nothing', async () => {
  await using server = await startDemoClient();
  const message = await server.client.messages.create(
    asking([...RESULTS, { type: 'text', text: 'Who is the emperor of Mars?' }]),
  );
  expect(textOf(message)).toContain('do not contain the answer');
  expect((message.content as TextBlock[]).every(({ citations }) => citations === null)).toBe(true);
});

test('in a template, only the question itself is compared with the sources', async () => {
  await using server = await startDemoClient();
  const prompt = (question: string) =>
    `Answer like a shop keeper who sells lamps, in a paragraph.\n\nQuestion: ${question}\n\nBring receipts.`;
  const ask = async (question: string) =>
    textOf(
      await server.client.messages.create(
        asking([...RESULTS, { type: 'text', text: prompt(question) }]),
      ),
    );
  expect(await ask('When do parcels leave?')).toContain(
    'From your sources: Parcels leave on Mondays.',
  );
  expect(await ask('Who is the emperor of Mars?')).toContain('do not contain the answer');
});

test('search results without citations enabled are not cited', async () => {
  await using server = await startDemoClient();
  const plain = RESULTS.map((result) => ({ ...result, citations: { enabled: false } }));
  const message = await server.client.messages.create(
    asking([...plain, { type: 'text', text: 'When are refunds paid?' }]),
  );
  expect((message.content as TextBlock[]).every(({ citations }) => citations === null)).toBe(true);
});

test('passages numbered in plain text are cited by their number', async () => {
  await using server = await startDemoClient();
  const prompt =
    '[1] The sky is blue.\nSometimes.\n[2] Grass is green because of chlorophyll.\n\nQuestion: Why is grass green?';
  const message = await server.client.messages.create(
    asking(prompt, { system: 'Cite your sources.' }),
  );
  expect(textOf(message)).toContain('Grass is green because of chlorophyll. [2]');
});

const Review = z.object({
  sentiment: z.enum(['positive', 'negative', 'neutral']),
  confidence: z.number().min(0).max(1),
  stars: z.int().min(1).max(5),
  tags: z.array(z.string()).min(1),
  summary: z.string().max(60),
  author: z.object({ email: z.email(), name: z.string() }).nullable(),
  mentions: z.array(z.object({ part: z.string(), good: z.boolean() })),
  channel: z.union([z.literal('web'), z.literal('shop')]),
  note: z.string().optional(),
});

test('structured output fits the schema, with values from the text', async () => {
  await using server = await startDemoClient();
  const review = async (content: string) => {
    const message = await server.client.messages
      .stream({ ...asking(content), output_config: { format: zodOutputFormat(Review) } })
      .finalMessage();
    expect(message.stop_reason).toBe('end_turn');
    return Review.parse(message.parsed_output);
  };
  const happy = await review(
    'Rate it: I love this lamp, it is wonderful! Write to ada@example.org. It has 4 arms.',
  );
  expect(happy).toMatchObject({
    sentiment: 'positive',
    stars: 4,
    author: { email: 'ada@example.org' },
  });
  expect(await review('Terrible. The lamp broke.')).toMatchObject({ sentiment: 'negative' });
  expect(await review('The lamp is a lamp.')).toMatchObject({ sentiment: 'neutral' });
});

test('few-shot examples decide a label that nothing in the text names', async () => {
  await using server = await startDemoClient();
  const schema = z.object({ team: z.enum(['alpha', 'beta']) });
  const shot = (user: string, team: string) => [
    { role: 'user' as const, content: user },
    { role: 'assistant' as const, content: JSON.stringify({ team }) },
  ];
  const messages = [
    ...shot('My invoice is wrong', 'alpha'),
    ...shot('The app shows an empty screen', 'beta'),
    { role: 'user' as const, content: 'After the update the screen stays black' },
  ];
  const message = await server.client.messages.create({
    ...asking('x'),
    messages,
    output_config: { format: zodOutputFormat(schema) },
  });
  expect(schema.parse(JSON.parse(textOf(message)))).toEqual({ team: 'beta' });
});

test('structured output is cut off by max_tokens like any text', async () => {
  await using server = await startDemoClient();
  const message = await server.client.messages.create({
    ...asking('I love this lamp very much indeed.', {
      output_config: { format: zodOutputFormat(Review) },
    }),
    max_tokens: 12,
  });
  expect(message.stop_reason).toBe('max_tokens');
  expect(() => JSON.parse(textOf(message)) as unknown).toThrow();
});
