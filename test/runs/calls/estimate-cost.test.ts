import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../support/start-test-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const ESTIMATE = `query ($input: EstimateCostInput!) { estimateCost(input: $input) {
  model inputTokens worstCase typical price { inputPerMillion outputPerMillion } } }`;
const COMPLETE = `mutation ($input: CompleteInput!) { complete(input: $input) {
  __typename ... on Completion { cost usage { inputTokens outputTokens } } ... on Error { code message } } }`;

interface Estimate {
  model: string;
  inputTokens: number;
  worstCase: string;
  typical: string | null;
}
const estimate = async (input: object): Promise<Estimate> =>
  (await server.data<{ estimateCost: Estimate }>(ESTIMATE, { input })).estimateCost;

test('an estimate is the price of the counted input and of all of maxTokens, and calls no model', async () => {
  const before = server.demo.requests.filter(({ path }) => path === '/v1/messages').length;
  const input = {
    prompt: { text: 'What is a tessera?' },
    model: 'claude-sonnet-5-5',
    maxTokens: 1_000,
  };
  const { inputTokens, worstCase } = await estimate(input);
  expect(server.demo.requests.filter(({ path }) => path === '/v1/messages')).toHaveLength(before);
  const { complete } = await server.data<{
    complete: { cost: string; usage: { inputTokens: number } };
  }>(COMPLETE, { input: { ...input, options: { cache: 'BYPASS' } } });
  expect(complete.usage.inputTokens).toBe(inputTokens);
  expect(Number(worstCase)).toBeGreaterThanOrEqual(Number(complete.cost));
  const { typical } = await estimate(input);
  expect(Number(typical)).toBeGreaterThan(0);
  expect(Number(typical)).toBeLessThanOrEqual(Number(worstCase));
});

test('what keeps a completion from starting is refused with words that help', async () => {
  const answer = await server.execute(ESTIMATE, {
    input: { prompt: { text: 'Hi' }, model: 'nobody/knows' },
  });
  expect(answer.errors?.[0]).toMatchObject({
    message: expect.stringContaining('nobody/knows'),
    extensions: { code: 'BAD_USER_INPUT' },
  });
});

const post = async (query: string, headers: Record<string, string>, variables: object = {}) => {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${server.adminKey}`,
      'content-type': 'application/json',
      ...headers,
    },
    body: JSON.stringify({ query, variables }),
  });
  return (await response.json()) as {
    data?: Record<string, unknown> | null;
    errors?: { message: string; extensions: { code: string } }[];
    extensions?: { cost?: { complexity: number; worstCase: string | null; spent: string } };
  };
};
const twice = `mutation { one: complete(input: { prompt: { text: "a" }, maxTokens: 1000, options: { cache: BYPASS } }) { ... on Completion { cost } }
  two: complete(input: { prompt: { text: "b" }, maxTokens: 1000, options: { cache: BYPASS } }) { ... on Completion { cost } } }`;

test('x-tessera-cost tells what an operation could have cost, and what it did', async () => {
  const { extensions, data } = await post(twice, {
    'x-tessera-cost': '1',
    'x-tessera-max-cost': '1',
  });
  const spent = Object.values(data as Record<string, { cost: string }>).map(({ cost }) =>
    Number(cost),
  );
  expect(Number(extensions?.cost?.spent)).toBeCloseTo(spent[0]! + spent[1]!, 10);
  expect(Number(extensions?.cost?.worstCase)).toBeGreaterThan(Number(extensions?.cost?.spent));
  expect(extensions?.cost?.complexity).toBeGreaterThanOrEqual(2_000);
  expect((await post('{ viewer { userId } }', {})).extensions?.cost).toBeUndefined();
});

test('x-tessera-max-cost refuses an operation with all its aliases before anything is begun', async () => {
  const before = server.demo.requests.length;
  const one = Number((await estimate({ prompt: { text: 'a' }, maxTokens: 1_000 })).worstCase);
  const enough = await post(twice, { 'x-tessera-max-cost': (one * 2.5).toFixed(6) });
  expect(enough.errors).toBeUndefined();
  const calls = (): number =>
    server.demo.requests.filter(({ path }) => path === '/v1/messages').length;
  const made = calls();
  const { data, errors } = await post(twice, { 'x-tessera-max-cost': (one * 1.5).toFixed(6) });
  expect(errors?.[0]).toMatchObject({
    message: expect.stringContaining('may cost $'),
    extensions: { code: 'OPERATION_TOO_EXPENSIVE' },
  });
  expect(data ?? null).toBeNull();
  expect(calls()).toBe(made);
  expect(server.demo.requests.length).toBeGreaterThan(before);
});

test('a run without any bound needs one of its own under x-tessera-max-cost', async () => {
  const agent = (options: string) =>
    `mutation { runAgent(input: { agent: "researcher", message: "Hi"${options} }) { __typename } }`;
  const unbound = await post(agent(''), { 'x-tessera-max-cost': '1' });
  expect(unbound.errors?.[0]?.message).toContain('options: { maxCost }');
  const bound = await post(agent(', options: { maxCost: "0.5" }'), { 'x-tessera-max-cost': '1' });
  expect(bound.data).toEqual({ runAgent: { __typename: 'AgentRun' } });
  const malformed = await post('{ viewer { userId } }', { 'x-tessera-max-cost': 'much' });
  expect(malformed.errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
});
