import { afterAll, beforeAll, expect, test } from 'vitest';
import { calls, rawId, runAgent } from './support/agent-operations.ts';
import { type AgentServer, startAgentServer } from './support/start-agent-server.ts';

let server: AgentServer;
beforeAll(async () => {
  server = await startAgentServer();
});
afterAll(async () => server[Symbol.asyncDispose]());

/** Runs an agent that makes these calls in its first turn, and answers in its second. */
async function making(...made: [tool: string, input: object][]) {
  const run = await runAgent(server, `${calls(...made)} [demo:reply ok]`, { wait: true });
  expect(run.status).toBe('SUCCEEDED');
  const told = server.demo.requests.at(-1)!.body!.messages.at(-1)!.content as {
    content: { text: string }[];
    is_error: boolean;
  }[];
  return {
    run,
    toolCalls: run.turns[0]!.toolCalls,
    /** What the model was told of each call. */
    told: told.map(({ content, is_error }) => ({ text: content[0]!.text, isError: is_error })),
    effects: server.world.effects.filter(({ runId }) => runId === rawId(run.id)),
  };
}

test('input that is not of the schema is an error that says what to mend, and runs nothing', async () => {
  const { told, effects, toolCalls } = await making(['charge', { amount: -1.5 }]);
  expect(told[0]?.isError).toBe(true);
  expect(told[0]?.text).toMatch(/"charge" does not take this input.*amount: /s);
  expect(effects).toEqual([]);
  expect(toolCalls[0]).toMatchObject({ isError: true, attempts: 0 });
});

test('an unknown tool is an error that names those there are', async () => {
  const { told } = await making(['fly', {}]);
  expect(told[0]).toEqual({
    isError: true,
    text: expect.stringMatching(/no tool "fly".*charge, note/),
  });
});

test('a throw is an error with its message, and the calls beside it keep their results', async () => {
  server.world.script('charge', { error: 'the card has expired' });
  const { told, toolCalls } = await making(['charge', { amount: 1 }], ['note', { text: 'a' }]);
  expect(told.map(({ isError }) => isError)).toEqual([true, false]);
  expect(told[0]?.text).toContain('the card has expired');
  expect(toolCalls.map(({ attempts }) => attempts)).toEqual([1, 1]);
});

test('a timeout is an error that does not promise that nothing happened', async () => {
  server.world.script('slow', 'hold');
  const { told } = await making(['slow', {}]);
  expect(told[0]?.isError).toBe(true);
  expect(told[0]?.text).toMatch(/longer than 150 ms.*not known/s);
});

test('output that is not of the schema does not reach the model', async () => {
  server.world.script('charge', { output: { ok: 'secret' } });
  const { told } = await making(['charge', { amount: 1 }]);
  expect(told[0]?.isError).toBe(true);
  expect(told[0]?.text).not.toContain('secret');
});

test('only an idempotent tool is tried again, under the same key, and its attempts show', async () => {
  server.world.script('note', { error: 'busy' }, { error: 'busy' });
  server.world.script('charge', { error: 'busy' });
  const { toolCalls, effects } = await making(['note', { text: 'a' }], ['charge', { amount: 1 }]);
  expect(toolCalls).toMatchObject([
    { tool: 'note', isError: false, attempts: 3 },
    { tool: 'charge', isError: true, attempts: 1 },
  ]);
  const notes = effects.filter(({ tool }) => tool === 'note');
  expect(notes.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  expect(new Set(notes.map(({ key }) => key)).size).toBe(1);
  server.world.script('note', { error: 'a' }, { error: 'b' }, { error: 'c' });
  const failed = await making(['note', { text: 'b' }]);
  expect(failed.toolCalls[0]).toMatchObject({ isError: true, attempts: 3 });
  expect(failed.told[0]?.text).toContain('c');
});

test('a call whose input was cut off never runs', async () => {
  server.demo.script({ kind: 'broken_tool_input', match: { contains: 'truncated' } });
  const script = `${calls(['charge', { amount: 12_345 }])} truncated`;
  const run = await runAgent(server, script, { wait: true });
  expect(run).toMatchObject({ status: 'FAILED', error: { code: 'OUTPUT_INVALID' } });
  expect(server.world.effects.filter(({ runId }) => runId === rawId(run.id))).toEqual([]);
});

test('a long result is cut, whole characters only, and the model is told', async () => {
  server.world.script('note', { output: { ok: true, text: '😀'.repeat(40_000) } });
  const { told } = await making(['note', { text: 'a' }]);
  expect(told[0]!.text.length).toBeLessThan(50_100);
  expect(told[0]!.text).toMatch(/more characters are not shown/);
  expect(told[0]!.text.isWellFormed()).toBe(true);
});
