import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { chainOfThought, defineAgent, definePlugin } from '../../../src/tessera.ts';
import { startTestServer, type TestServer } from '../../support/start-test-server.ts';

const agent = { description: 'Does it.', instructions: 'Do it.', tools: [], maxTurns: 3 };
const desk = definePlugin({
  name: 'desk',
  version: '1.0.0',
  setup: () => ({
    agents: [
      defineAgent({ ...agent, name: 'clerk' }),
      defineAgent({ ...agent, name: 'thinker', reasoning: true }),
    ],
  }),
});

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ plugins: [desk(), chainOfThought()] });
});
afterAll(() => server[Symbol.asyncDispose]());

const options = { fallbackText: 'Later, please.', cache: 'BYPASS' };
const fields = 'status text model';
const error = '... on Error { code }';
const AGENT = `mutation ($input: RunAgentInput!) { runAgent(input: $input) { ... on AgentRun { ${fields} error { code } } ${error} } }`;
const COMPLETE = `mutation ($input: CompleteInput!) { complete(input: $input) { ... on Completion { ${fields} degraded } ${error} } }`;

async function runAgent(name: string, message: string): Promise<object> {
  const input = { agent: name, message, options };
  return (await server.data<{ runAgent: object }>(AGENT, { input })).runAgent;
}

async function think(question: string): Promise<object> {
  const prompt = { named: { name: 'chain_of_thought', variables: { question } } };
  const input = { prompt, options };
  return (await server.data<{ complete: object }>(COMPLETE, { input })).complete;
}

const fallback = { status: 'SUCCEEDED', text: 'Later, please.', model: 'fallback' };

// Several failures in a row would open the circuit.
beforeEach(async () => {
  await think('Is all well?');
});

test('an agent whose first call failed answers with the fallback text', async () => {
  server.demo.script({ kind: 'status', status: 401 });
  expect(await runAgent('clerk', 'hello')).toEqual({ ...fallback, error: null });
});

test('an agent that has taken a turn does not', async () => {
  server.demo.script(
    { kind: 'tool_calls', calls: [{ name: 'nothing', input: {} }] },
    { kind: 'status', status: 401 },
  );
  const failed = await runAgent('clerk', 'go on');
  expect(failed).toMatchObject({ status: 'FAILED', error: { code: 'MODEL_UNAVAILABLE' } });
});

test('who has told thoughts does not take them back by a fallback text', async () => {
  const thinking = '[demo:think] [demo:words 30]';
  server.demo.script({ kind: 'cut', afterDeltas: 4 });
  expect(await think(thinking)).toEqual({ code: 'MODEL_UNAVAILABLE' });
  server.demo.script({ kind: 'cut', afterDeltas: 4 });
  const failed = await runAgent('thinker', thinking);
  expect(failed).toMatchObject({ status: 'FAILED', error: { code: 'MODEL_UNAVAILABLE' } });
  server.demo.script({ kind: 'status', status: 401 });
  expect(await think(thinking)).toEqual({ ...fallback, degraded: true });
});
