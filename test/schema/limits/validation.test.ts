import { expect, test } from 'vitest';
import { createSchema } from '../../../src/schema/create-schema.ts';
import { admin, codesOf, execute } from '../support/execute.ts';
import { registryWith } from '../support/registry-with.ts';

const schema = createSchema(registryWith());

const long = (length: number): string => JSON.stringify('x'.repeat(length));

/** An operation that a room must never see, and the places that are told. */
const malformed: [source: string, paths: string[]][] = [
  ['mutation { complete(input: { prompt: { text: "" } }) { __typename } }', ['input.prompt.text']],
  [
    'mutation { complete(input: { prompt: { messages: [] } }) { __typename } }',
    ['input.prompt.messages'],
  ],
  [
    'mutation { complete(input: { prompt: { messages: [{ role: ASSISTANT, text: "a" }] } }) { __typename } }',
    ['input.prompt.messages'],
  ],
  [
    'mutation { complete(input: { prompt: { named: { name: "a", version: 1, label: "b" } } }) { __typename } }',
    ['input.prompt.named.label'],
  ],
  [
    'mutation { complete(input: { prompt: { text: "a" }, maxTokens: 0, model: "", options: { timeoutMs: 0, idempotencyKey: "" } }) { __typename } }',
    ['input.model', 'input.maxTokens', 'input.options.idempotencyKey', 'input.options.timeoutMs'],
  ],
  [
    `mutation { complete(input: { prompt: { text: "a" }, options: { subject: ${long(201)} } }) { __typename } }`,
    ['input.options.subject'],
  ],
  [
    'mutation { ask(input: { question: "", topK: 101 }) { __typename } }',
    ['input.question', 'input.topK'],
  ],
  [
    'mutation { runAgent(input: { agent: "", message: "", maxTurns: 0 }) { __typename } }',
    ['input.agent', 'input.message', 'input.maxTurns'],
  ],
  ['{ search(input: { query: "", topK: 0 }) { score } }', ['input.query', 'input.topK']],
  ['{ prompts(first: 0) { edges { cursor } } }', ['first']],
  ['{ prompts(first: 101) { edges { cursor } } }', ['first']],
  ['{ costStats(input: { window: { last: "a week" } }) { requests } }', ['input.window.last']],
  [
    '{ costStats(input: { window: { from: "2026-02-01T00:00:00Z", to: "2026-01-01T00:00:00Z" } }) { requests } }',
    ['input.window.from'],
  ],
  [
    '{ costStats(input: { window: { from: "2026-02-01T00:00:00Z", last: "P1D" } }) { requests } }',
    ['input.window.last'],
  ],
  [
    'mutation { createPromptVersion(input: { prompt: "a", template: "", labels: ["no spaces"] }) { __typename } }',
    ['input.template', 'input.labels.0'],
  ],
  [
    'mutation { setPromptLabel(input: { prompt: "a", label: "", version: 0 }) { __typename } }',
    ['input.label', 'input.version'],
  ],
  [
    'mutation { ingestDocuments(input: { collection: "a", documents: [] }) { __typename } }',
    ['input.documents'],
  ],
  [
    'mutation { createApiKey(input: { name: " ", userId: "a", roles: [], expiresAt: "2020-01-01T00:00:00Z" }) { secret } }',
    ['input.name', 'input.roles', 'input.expiresAt'],
  ],
  [
    'mutation { setBudget(input: { subject: "", period: DAILY, limit: "1" }) { id } }',
    ['input.subject'],
  ],
];

test.each(malformed)('%s', async (source, paths) => {
  const result = await execute(schema, { source, caller: admin });
  expect(codesOf(result)).toEqual(['BAD_USER_INPUT']);
  const issues = result.errors?.[0]?.extensions?.['issues'] as { path: string[] }[];
  expect(issues.map(({ path }) => path.join('.')).sort()).toEqual([...paths].sort());
});

test.each([
  ['USD', ['0.004215', '5', '0'], ['-1', '1e3', '.5', '1.', 'five', '', '0.1234567890123']],
  [
    'DateTime',
    ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.5+02:00'],
    ['2026-01-31', '2026-02-30T00:00:00Z', '2026-01-31T12:00:00', 'now', ''],
  ],
])('%s takes what it says, and nothing else', async (scalar, good, bad) => {
  const source =
    scalar === 'USD'
      ? 'mutation ($value: USD!) { setBudget(input: { subject: "a", period: DAILY, limit: $value }) { limit } }'
      : 'query ($value: DateTime!) { costStats(input: { window: { from: $value } }) { requests } }';
  const seen: unknown[] = [];
  const refuse = async (request: unknown): Promise<never> => {
    seen.push(request);
    throw new Error('seen');
  };
  const services = { ledger: { setBudget: refuse, costStats: refuse } };
  for (const value of [...bad, 5, 0.5, true]) {
    const result = await execute(schema, { source, variables: { value }, services, caller: admin });
    expect(result.errors?.[0]?.message).toContain('$value');
  }
  expect(seen).toEqual([]);
  for (const value of good)
    await execute(schema, { source, variables: { value }, services, caller: admin });
  expect(seen).toHaveLength(good.length);
});

test('what asks for too much is refused before any of it is read', async () => {
  const generations = Array.from(
    { length: 11 },
    (_, index) => `a${index}: complete(input: { prompt: { text: "a" } }) { __typename }`,
  );
  const pages =
    '{ prompts(first: 100) { edges { node { versions(first: 100) { edges { node { number } } } } } } }';
  const wide = `{ ${Array.from({ length: 501 }, (_, index) => `a${index}: viewer { userId }`).join(' ')} }`;
  const again = (inner: string) => `prompt { versions(first: 1) { edges { node { ${inner} } } } }`;
  const deep = `{ prompts(first: 1) { edges { node { versions(first: 1) { edges { node { ${again(again(again('number')))} } } } } } } }`;
  const renderings = Array.from(
    { length: 5 },
    (_, index) => `a${index}: renderPrompt(input: { text: "a" }) { __typename }`,
  );
  for (const source of [
    `mutation { ${generations.join(' ')} }`,
    `{ ${renderings.join(' ')} }`,
    pages,
    wide,
    deep,
  ]) {
    const result = await execute(schema, { source });
    expect([source.slice(0, 40), ...new Set(codesOf(result))]).toEqual([
      source.slice(0, 40),
      'OPERATION_TOO_EXPENSIVE',
    ]);
  }
});
