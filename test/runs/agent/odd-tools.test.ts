import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../support/start-test-server.ts';
import { odd } from './fixtures/odd-tools.ts';
import { CANCEL, calls, decide, runAgent, runWhen } from './support/agent-operations.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ plugins: [odd()] });
});
afterAll(async () => server[Symbol.asyncDispose]());

/** The call's record in a run that goes on to its answer. */
async function calling(tool: string, input: object = {}) {
  const message = `${calls([tool, input])} [demo:reply ok]`;
  const run = await runAgent(server, message, { wait: true });
  expect(run).toMatchObject({ status: 'SUCCEEDED', text: 'ok' });
  const { output, isError } = run.turns[0]!.toolCalls[0]!;
  return { output, isError };
}

test.each([
  ['throwing', /"give" ran, but its output cannot be used: JSON cannot tell it\.$/],
  ['deep', /its output cannot be used: .*(nested deeper than 100 levels|stack)/],
  ['long', /it is 3000002 characters of JSON; 1000000 are the most/],
  ['cyclic', /circular/],
  ['bigint', /BigInt/],
])('an output that is %s is an error that says so, and the server goes on', async (kind, what) => {
  const { output, isError } = await calling('give', { kind });
  expect(isError).toBe(true);
  expect(output).toMatch(what);
});

test.each([
  ['undefined', null],
  ['function', null],
  ['symbol', null],
  ['date', '1970-01-01T00:00:00.000Z'],
  ['nul', 'a\ufffdb'],
])('an output that is %s is told as JSON tells it', async (kind, output) => {
  expect(await calling('give', { kind })).toEqual({ output, isError: false });
});

test('passages that JSON cannot tell are an error, too', async () => {
  expect(await calling('cite_odd')).toMatchObject({
    isError: true,
    output: expect.stringContaining('BigInt'),
  });
});

test.each([
  ['symbol', /failed\. The reason is in the server's log\.$/],
  ['bare', /failed\. The reason is in the server's log\.$/],
  ['undefined', /failed\. The reason is in the server's log\.$/],
  ['object', /failed\. The reason is in the server's log\.$/],
  ['error', /failed\. The reason is in the server's log\.$/],
  ['told', /failed: give a number$/],
  ['long', /failed: y{10000}$/],
])('a throw of %s is an error like any other', async (kind, what) => {
  const { output, isError } = await calling('throw_odd', { kind });
  expect(isError).toBe(true);
  expect(output).toMatch(what);
});

test('schemas that throw or take their time are those of a tool as well', async () => {
  const wrong = { text: 'wrong' };
  expect(await calling('throwing_input', wrong)).toEqual({
    isError: true,
    output: 'The tool "throwing_input" does not take this input. Its check failed.',
  });
  expect(await calling('async_input', wrong)).toEqual({
    isError: true,
    output: 'The tool "async_input" does not take this input. text: is wrong',
  });
  expect(await calling('async_input', { text: 'right' })).toEqual({
    isError: false,
    output: 'done',
  });
  expect(await calling('throwing_output')).toEqual({
    isError: true,
    output: 'The tool "throwing_output" ran, but its output cannot be used.',
  });
  expect(await calling('async_output')).toEqual({ isError: false, output: 'done' });
});

test('an edited input is checked by such a schema as well', async () => {
  const message = `${calls(['async_input', { text: 'ask' }])} [demo:reply ok]`;
  const run = await runAgent(server, message, { wait: true });
  const approvalId = run.approvals[0]!.id;
  const wrong = await decide(server, { approvalId, approve: true, editedInput: { text: 'wrong' } });
  expect(wrong.code).toBe('PROMPT_VARIABLES_INVALID');
  await decide(server, { approvalId, approve: true, editedInput: { text: 'right' } });
  await runWhen(server, run.id, 'SUCCEEDED');
});

test('a rule that does not answer asks, and holds up neither a cancel nor the deadline', async () => {
  const hanging = calls(['hanging_rule', {}]);
  const late = await runAgent(server, hanging, { wait: true, options: { timeoutMs: 1_000 } });
  expect(late.error?.code).toBe('MODEL_TIMEOUT');
  const stuck = await runAgent(server, calls(['hanging_input', {}]));
  await runWhen(server, stuck.id, 'RUNNING');
  await server.data(CANCEL, { id: stuck.id });
  expect((await runWhen(server, stuck.id, 'CANCELLED')).error?.code).toBe('RUN_CANCELLED');
  const asking = await runAgent(server, hanging, { wait: true });
  expect(asking.status).toBe('WAITING_FOR_APPROVAL');
});
