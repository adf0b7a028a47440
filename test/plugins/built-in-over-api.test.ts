import { afterAll, beforeAll, expect, test } from 'vitest';
import { camelCase, reservedPromptFields } from '../../src/kernel/registry/names.ts';
import { startTestServer, type TestServer } from '../support/start-test-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

async function ask(query: string): Promise<Record<string, Record<string, unknown>>> {
  const response = await fetch(`${server.running.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${server.adminKey}` },
    body: JSON.stringify({ query }),
  });
  const { data, errors } = (await response.json()) as { data: never; errors?: unknown };
  expect(errors).toBeUndefined();
  return data;
}

const complete = (field: string, type: string, selection = 'text'): Promise<unknown> =>
  ask(`mutation { ${field} { ... on ${type} { ${selection} } ... on Error { message } } }`).then(
    (data) => Object.values(data)[0],
  );

test('every built-in prompt is a typed field that answers', async () => {
  const positive = 'classifySentiment(variables: { text: "I love it, wonderful!" })';
  const output = 'output { sentiment confidence }';
  expect(await complete(positive, 'ClassifySentimentCompletion', output)).toEqual({
    output: { sentiment: 'positive', confidence: expect.any(Number) },
  });
  expect(
    await complete(
      'summarization(variables: { text: "Tea is a plant. It is drunk hot. People like it.", maxSentences: 1 })',
      'SummarizationCompletion',
    ),
  ).toEqual({ text: expect.stringContaining('Tea is a plant.') });
  expect(
    await complete(
      'ragQa(variables: { context: "[1] Tea is grown in Assam.\\n[2] Coffee is grown in Brazil.", query: "Where is tea grown?" })',
      'RagQaCompletion',
    ),
  ).toEqual({ text: expect.stringContaining('Tea is grown in Assam. [1]') });
  expect(
    await complete(
      `fewShot(variables: { task: "Label the topic.", input: "goal and match", examples: [
         { input: "goal", output: "sport" }, { input: "vote", output: "politics" }] })`,
      'FewShotCompletion',
    ),
  ).toEqual({ text: 'sport' });
  expect(
    await complete(
      'chainOfThought(variables: { question: "What is 2 + 3?" })',
      'ChainOfThoughtCompletion',
    ),
  ).toEqual({ text: expect.stringContaining('5') });
});

test('the researcher searches and calculates', async () => {
  await ask(`mutation { ingestDocuments(input: { collection: "default", documents: [
    { source: "tea.md", text: "Tea is grown in Assam since 1837." }] }) { __typename } }`);
  const selection = 'status text turns { toolCalls { tool output isError } }';
  const run = (message: string): Promise<unknown> =>
    complete(
      `runAgent(input: { agent: "researcher", message: "${message}" })`,
      'AgentRun',
      selection,
    );
  const calls = (tool: string, output: unknown) =>
    expect.arrayContaining([{ toolCalls: [{ tool, output, isError: false }] }]);
  const source = expect.objectContaining({ source: 'tea.md' });
  expect(await run('Where is tea grown?')).toEqual({
    status: 'SUCCEEDED',
    text: expect.stringContaining('Tea is grown in Assam'),
    turns: calls('search_knowledge', { found: 1, passages: [source] }),
  });
  expect(await run('Calculate 24 * 17')).toEqual({
    status: 'SUCCEEDED',
    text: expect.stringContaining('408'),
    turns: calls('calculate', { result: '408' }),
  });
});

test('no prompt can take the name of a field the API has', async () => {
  const { __schema: schema } = await ask(
    '{ __schema { types { name fields { name } inputFields { name } } } }',
  );
  const types = schema?.['types'] as { name: string; [part: string]: unknown }[];
  const fieldsOf = (type: string, part: string): string[] => {
    const found = types.find(({ name }) => name === type);
    return ((found?.[part] ?? []) as { name: string }[]).map(({ name }) => name);
  };
  const fields = [
    ...['Query', 'Mutation', 'Subscription'].flatMap((type) => fieldsOf(type, 'fields')),
    ...fieldsOf('PromptInput', 'inputFields'),
  ];
  const unreserved = fields.filter((field) => !reservedPromptFields.has(field));
  expect(new Set(unreserved)).toEqual(new Set(await promptFields()));
});

async function promptFields(): Promise<string[]> {
  const { prompts } = await ask('{ prompts(first: 100) { edges { node { name } } } }');
  const edges = prompts?.['edges'] as { node: { name: string } }[];
  return edges.map(({ node }) => camelCase(node.name));
}
