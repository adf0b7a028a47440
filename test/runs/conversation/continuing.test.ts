import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../support/start-test-server.ts';
import {
  type ConversationClient,
  conversationClient,
  sentMessages,
} from './support/conversation-client.ts';

let server: TestServer;
let client: ConversationClient;
beforeAll(async () => {
  server = await startTestServer();
  client = conversationClient(server);
  const documents = [
    { source: 'leave.md', text: 'Full-time employees have thirty days of paid vacation a year.' },
    { source: 'part.md', text: 'Part-timers have vacation in proportion to their hours.' },
  ];
  await server.data(
    'mutation ($input: IngestDocumentsInput!) { ingestDocuments(input: $input) { __typename } }',
    { input: { collection: 'handbook', documents } },
  );
});
afterAll(() => server[Symbol.asyncDispose]());

const lastSent = () => sentMessages(server.demo.requests.at(-1)!.body!);
const texts = (messages: { text: string }[] | undefined) => messages?.map(({ text }) => text);
/** What a provider adds to a tool call stays with the turn where it was made. */
const withoutCallers = (messages: unknown): unknown =>
  JSON.parse(JSON.stringify(messages, (key, value) => (key === 'caller' ? undefined : value)));
const user = (text: string) => ({ role: 'user', content: [{ type: 'text', text }] });
const assistant = (text: string) => ({ role: 'assistant', content: [{ type: 'text', text }] });

test('a run goes on from a run: the conversation comes before, word for word', async () => {
  const first = await client.complete('[demo:reply Hello Ada.] I am Ada.');
  const second = await client.complete('[demo:reply It is.] Is it late?', { continues: first.id });
  const third = await client.complete('[demo:reply Bye.] Then bye.', { continues: second.id });
  expect(lastSent()).toEqual([
    user('[demo:reply Hello Ada.] I am Ada.'),
    assistant('Hello Ada.'),
    user('[demo:reply It is.] Is it late?'),
    assistant('It is.'),
    user('[demo:reply Bye.] Then bye.'),
  ]);
  expect(third).toMatchObject({ text: 'Bye.', continues: { id: second.id }, conversation: null });
  expect(third.messages?.map(({ role }) => role)).toEqual([
    'USER',
    'ASSISTANT',
    'USER',
    'ASSISTANT',
    'USER',
  ]);
});

test('two runs that continue one are branches, which know nothing of each other', async () => {
  const root = await client.complete('[demo:reply Pick a colour.] Start');
  const red = await client.complete('[demo:reply Red it is.] red', { continues: root.id });
  const blue = await client.complete('[demo:reply Blue it is.] blue', { continues: root.id });
  const after = await client.complete('[demo:reply ok] and?', { continues: red.id });
  expect(texts(after.messages)?.join()).toContain('Red it is.');
  expect(texts(after.messages)?.join()).not.toContain('blue');
  expect(texts(blue.messages)).toHaveLength(3);
});

test('any kind follows any kind, with tools, results and sources as they were sent', async () => {
  const { id: answer } = await client.ask(
    'How many days of paid vacation do full-time employees have?',
    {},
    { collection: 'handbook' },
  );
  const asked = lastSent();
  const agent = await client.agent(
    '[demo:tool calculate {"expression":"2+3"}][demo:next][demo:reply Five.] add them',
    { continues: answer },
  );
  expect(agent).toMatchObject({ status: 'SUCCEEDED', text: 'Five.' });
  const worked = lastSent();
  expect(worked.slice(0, asked.length)).toEqual(asked);
  const { data } = await server.execute<{ run: { id: string; text: string } }>(
    `mutation ($continues: ID!) { run: summarization(variables: { text: "[demo:reply Short.] It rained." }, options: { continues: $continues }) {
      ... on SummarizationCompletion { id text } } }`,
    { continues: agent.id },
  );
  const typed = data!.run;
  expect(typed.text).toBe('Short.');
  const last = await client.complete('[demo:reply The end.] so?', { continues: typed.id });
  const sent = lastSent();
  expect(sent.slice(0, worked.length)).toEqual(withoutCallers(worked));
  expect(sent.map(({ role }) => role).join()).toBe(
    'user,assistant,user,assistant,user,assistant,user,assistant,user',
  );
  const { tools, tool_choice } = server.demo.requests.at(-1)!.body!;
  expect([tools?.map((tool) => (tool as { name: string }).name), tool_choice]).toEqual([
    ['calculate'],
    { type: 'none' },
  ]);
  expect(JSON.stringify(sent)).toContain('"tool_use"');
  expect(JSON.stringify(sent)).toContain('"search_result"');
  expect(last.messages?.flatMap(({ parts }) => parts.map(({ __typename }) => __typename))).toEqual([
    'TextPart',
    'TextPart',
    'TextPart',
    'ToolCallPart',
    'ToolResultPart',
    'TextPart',
    'TextPart',
    'TextPart',
    'TextPart',
  ]);
});

test('thinking goes back with its signature, as long as all before it stands', async () => {
  const stepwise = async (question: string, continues?: string) => {
    const { data } = await server.execute<{ run: { id: string } }>(
      `mutation ($question: String!, $continues: ID) { run: chainOfThought(variables: { question: $question }, options: { continues: $continues }) {
        ... on ChainOfThoughtCompletion { id } ... on Error { message } } }`,
      { question, continues },
    );
    return data!.run.id;
  };
  const first = await stepwise('[demo:think][demo:reply Two.] one plus one');
  const second = await stepwise('[demo:think][demo:reply Three.] plus one', first);
  const turn = lastSent()[1]!.content as { type: string; signature?: string }[];
  expect(turn.map(({ type }) => type)).toEqual(['thinking', 'text']);
  expect(turn[0]?.signature).toEqual(expect.any(String));
  // Another system prompt, another beginning: the text alone.
  await client.complete('[demo:reply ok] and?', { continues: second });
  expect(JSON.stringify(lastSent())).not.toContain('thinking');
});

test('an answer’s citations are of its own sources, whatever the conversation had before', async () => {
  const first = await client.ask(
    'How many days of paid vacation do full-time employees have?',
    {},
    { collection: 'handbook' },
  );
  const second = await client.ask(
    'Which vacation in proportion to hours do part-timers have?',
    { continues: first.id },
    { collection: 'handbook' },
  );
  const source = `query ($id: ID!) { run(id: $id) { ... on Answer { sources { source content } citations { sourceIndex citedText } } } }`;
  const { run } = await server.data<{
    run: {
      sources: { content: string }[];
      citations: { sourceIndex: number; citedText: string }[];
    };
  }>(source, { id: second.id });
  expect(run.citations.length).toBeGreaterThan(0);
  for (const { sourceIndex, citedText } of run.citations) {
    expect(run.sources[sourceIndex]?.content).toContain(citedText);
  }
});

test('a cancelled run is gone on from with what it had said', async () => {
  const source = `subscription ($input: CompleteInput!) { completion(input: $input) { __typename runId ... on TextDelta { text } } }`;
  const input = { prompt: { text: '[demo:gate 4] [demo:words 30] talk' } };
  const stream = server.subscribe<{ runId: string; text?: string }>(source, { input });
  const { runId } = await stream.take();
  await stream.take();
  await server.demo.waitForGatedCalls(1);
  await server.data(`mutation ($id: ID!) { cancelRun(id: $id) { __typename } }`, { id: runId });
  const said = (await client.read(runId)) as { text?: string };
  const next = await client.complete('[demo:reply ok] go on', { continues: runId });
  expect(said.text).not.toBe('');
  expect(texts(next.messages)).toEqual([input.prompt.text, said.text, '[demo:reply ok] go on']);
});

test.each<[string, () => Promise<object> | object, string]>([
  ['another user’s run', async () => ({ continues: (await foreign()).id }), 'RUN_NOT_FOUND'],
  [
    'a run that does not exist',
    () => ({ continues: '019af0b4-0000-7000-8000-000000000001' }),
    'RUN_NOT_FOUND',
  ],
  [
    'another user’s conversation',
    async () => ({ conversation: (await foreign()).conversation?.id }),
    'NOT_FOUND',
  ],
])('%s cannot be continued, and nothing is billed', async (_what, options, code) => {
  const given = await options();
  const billed = server.demo.billing.totals.calls;
  for (const kind of ['complete', 'ask', 'agent'] as const) {
    expect(await client[kind]('Hello', given)).toMatchObject({ code });
  }
  const source = `subscription ($input: CompleteInput!) { completion(input: $input) { ... on RunFailed { error { code } } } }`;
  const input = { prompt: { text: 'Hello' }, options: given };
  expect(await server.subscribe(source, { input }).rest()).toEqual([{ error: { code } }]);
  expect(server.demo.billing.totals.calls).toBe(billed);
});

async function foreign() {
  const other = conversationClient(server, await server.keyFor('somebody-else'));
  return other.complete('[demo:reply secret] hi', { newConversation: true });
}

test('an ingest is no run to continue, and continues none', async () => {
  const ingest = `mutation ($input: IngestDocumentsInput!) { ingestDocuments(input: $input) { __typename ... on IngestedDocuments { run { id } } } }`;
  const input = { collection: 'other', documents: [{ source: 'a', text: 'Tea.' }] };
  const { ingestDocuments } = await server.data<{ ingestDocuments: { run: { id: string } } }>(
    ingest,
    { input },
  );
  expect(await client.complete('Hi', { continues: ingestDocuments.run.id })).toMatchObject({
    code: 'CONFLICT',
  });
  const options = { continues: ingestDocuments.run.id };
  const refused = await server.execute(ingest, { input: { ...input, options } });
  expect(refused.errors?.[0]?.extensions?.['code']).toBe('BAD_USER_INPUT');
});

test('options that contradict each other, or are of another type, are refused', async () => {
  const source = `mutation ($input: CompleteInput!) { complete(input: $input) { __typename } }`;
  const run = await client.complete('[demo:reply a] hi', { newConversation: true });
  for (const options of [
    { continues: run.id, conversation: run.conversation?.id },
    { conversation: run.conversation?.id, newConversation: true },
    { continues: run.conversation?.id },
    { continues: 'nonsense' },
  ]) {
    const refused = await server.execute(source, { input: { prompt: { text: 'x' }, options } });
    expect(refused.errors?.[0]?.extensions?.['code']).toBe('BAD_USER_INPUT');
  }
});
