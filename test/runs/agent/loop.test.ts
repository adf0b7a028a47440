import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  AGENT_EVENTS,
  type AgentEventView,
  CANCEL,
  calls,
  RUN_EVENTS,
  rawId,
  runAgent,
  runWhen,
} from './support/agent-operations.ts';
import { type AgentServer, startAgentServer } from './support/start-agent-server.ts';

let server: AgentServer;
beforeAll(async () => {
  server = await startAgentServer();
});
afterAll(async () => server[Symbol.asyncDispose]());

const waited = (message: string, input: Parameters<typeof runAgent>[2] = {}) =>
  runAgent(server, message, { wait: true, ...input });

/** The bodies of the requests whose first message has this topic. */
const requestsAbout = (topic: string) =>
  server.demo.requests
    .map(({ body }) => body!)
    .filter((body) => JSON.stringify(body.messages[0]).includes(topic));

test('turn after turn until an answer, with what each turn did and cost', async () => {
  const script = `${calls(['note', { text: 'a' }])}[demo:next]${calls(['charge', { amount: 5 }])}`;
  const run = await waited(`${script} [demo:reply all done] turns`);
  expect(run).toMatchObject({ __typename: 'AgentRun', status: 'SUCCEEDED', text: 'all done' });
  expect(run.turns.map(({ number }) => number)).toEqual([1, 2, 3]);
  expect(run.turns.map(({ toolCalls }) => toolCalls.map(({ tool }) => tool))).toEqual([
    ['note'],
    ['charge'],
    [],
  ]);
  const sum = run.turns.reduce((total, { cost }) => total + Number(cost), 0);
  expect(sum).toBeCloseTo(Number(run.cost), 9);
});

test('the conversation only grows, word for word, thinking included', async () => {
  const script = `${calls(['note', { text: 'x' }])}[demo:next]${calls(['charge', { amount: 2 }])}`;
  await waited(`[demo:think] ${script} [demo:reply ok] verbatim`, { agent: 'thinker' });
  const bodies = requestsAbout('verbatim');
  expect(bodies.map(({ messages }) => messages.length)).toEqual([1, 3, 5]);
  const unmarked = (value: unknown) =>
    JSON.stringify(value, (key, member) => (key === 'cache_control' ? undefined : member));
  for (const [index, body] of bodies.slice(1).entries()) {
    const before = bodies[index]!;
    expect(unmarked(body.messages.slice(0, before.messages.length))).toBe(
      unmarked(before.messages),
    );
    expect(unmarked([body.system, body.tools])).toBe(unmarked([before.system, before.tools]));
  }
  const [block] = bodies.at(-1)!.messages[1]!.content as { type: string; signature?: string }[];
  expect(block?.type).toBe('thinking');
  expect(block?.signature).toBeTruthy();
});

test('the tools of one turn run at the same time and answer in one message', async () => {
  server.world.script('charge', 'hold', 'hold', 'hold');
  const three = calls(
    ['charge', { amount: 1 }],
    ['charge', { amount: 2 }],
    ['charge', { amount: 3 }],
  );
  const { id } = await runAgent(server, `${three} [demo:reply ok] parallel`);
  await server.world.waitFor('charge', rawId(id), 3);
  server.world.release();
  await runWhen(server, id, 'SUCCEEDED');
  const last = requestsAbout('parallel').at(-1)!.messages.at(-1)!;
  const results = last.content as { type: string; tool_use_id: string }[];
  expect(results.map(({ type }) => type)).toEqual(['tool_result', 'tool_result', 'tool_result']);
  const effects = server.world.effects.filter(({ runId }) => runId === rawId(id));
  const inOrder = effects.toSorted((a, b) => Number(a.input['amount']) - Number(b.input['amount']));
  expect(results.map(({ tool_use_id }) => tool_use_id)).toEqual(
    inOrder.map(({ callId }) => callId),
  );
});

test('maxTurns ends a run that has no answer, and keeps what it did', async () => {
  const run = await waited('[demo:loop note {"text":"again"}] forever', { agent: 'brief' });
  expect(run.status).toBe('FAILED');
  expect(run.error?.code).toBe('MAX_TURNS_EXCEEDED');
  expect(run.turns.map(({ toolCalls }) => toolCalls[0]?.isError)).toEqual([false, false]);
  const once = await waited('[demo:loop note {"text":"once"}] forever', { maxTurns: 1 });
  expect(once.turns).toHaveLength(1);
});

test('the deadline ends a run in the middle of a tool, and keeps what it did', async () => {
  server.world.script('charge', 'hold');
  const script = `${calls(['note', { text: 'a' }])}[demo:next]${calls(['charge', { amount: 4 }])}`;
  const run = await waited(`${script} deadline`, { options: { timeoutMs: 1_000 } });
  expect(run.status).toBe('FAILED');
  expect(run.error?.code).toBe('MODEL_TIMEOUT');
  expect(run.turns[0]?.toolCalls[0]).toMatchObject({ tool: 'note', isError: false });
  const [unfinished] = run.turns[1]!.toolCalls;
  expect(unfinished).toMatchObject({ isError: true, output: null, attempts: 1, durationMs: null });
});

test('the calls of all turns together stay within maxCost', async () => {
  const run = await waited('[demo:loop note {"text":"a"}] dear', {
    maxTurns: 50,
    options: { maxCost: '0.08' },
  });
  expect(run.error?.code).toBe('BUDGET_EXCEEDED');
  expect(run.status).toBe('FAILED');
  expect(run.turns.length).toBeGreaterThan(1);
  expect(Number(run.cost)).toBeLessThanOrEqual(0.08);
  const refused = await waited('hello', { options: { maxCost: '0.000001' } });
  expect(refused).toMatchObject({ __typename: 'BudgetExceededError', code: 'BUDGET_EXCEEDED' });
});

test('a cancel breaks a tool off and keeps what was done', async () => {
  server.world.script('charge', 'hold');
  const both = calls(['note', { text: 'done' }], ['charge', { amount: 6 }]);
  const { id } = await runAgent(server, `${both} cancelled`);
  await server.world.waitFor('charge', rawId(id));
  await server.world.waitFor('note', rawId(id));
  const { cancelRun } = await server.data<{ cancelRun: object }>(CANCEL, { id });
  expect(cancelRun).toEqual({ __typename: 'AgentRun', status: 'CANCELLED' });
  const run = await runWhen(server, id, 'CANCELLED');
  expect(run.error?.code).toBe('RUN_CANCELLED');
  expect(run.turns[0]?.toolCalls.map(({ isError }) => isError)).toEqual([false, true]);
  expect(requestsAbout('cancelled')).toHaveLength(1);
});

test.each([
  ['refusal', 'MODEL_REFUSED'],
  ['max_tokens afterDeltas=2', 'OUTPUT_INVALID'],
  ['model_context_window_exceeded', 'OUTPUT_INVALID'],
])(
  'a turn that ends with %s ends the run with %s, and none of its tools runs',
  async (kind, code) => {
    const script = `${calls(['note', { text: 'a' }])}[demo:next]${calls(['charge', { amount: 9 }])}`;
    const run = await waited(`${script} [demo:fault ${kind} turn=2] broken`);
    expect(run.error?.code).toBe(code);
    expect(run.turns).toHaveLength(2);
    const tools = server.world.effects.filter(({ runId }) => runId === rawId(run.id));
    expect(tools.map(({ tool }) => tool)).toEqual(['note']);
  },
);

test('a turn that was paused is gone on with', async () => {
  server.demo.script({ kind: 'pause_turn', afterDeltas: 2, match: { contains: 'paused' } });
  const run = await waited('[demo:words 6] paused');
  expect(run.status).toBe('SUCCEEDED');
  expect(run.turns).toHaveLength(2);
  expect(run.text).toBe(run.turns.map(({ text }) => text).join(''));
  const [first, second] = requestsAbout('paused');
  expect([first?.messages.length, second?.messages.length]).toEqual([1, 2]);
  expect(second?.messages.at(-1)?.role).toBe('assistant');
});

test('a model that fails ends the run, and keeps what it did', async () => {
  const script = calls(['note', { text: 'a' }]);
  const run = await waited(`${script} [demo:fault status status=400 turn=2] failing`);
  expect(run.status).toBe('FAILED');
  expect(run.error?.code).toMatch(/^MODEL_/);
  expect(run.turns).toHaveLength(1);
});

test('an agent with an output schema ends with a typed value, or says what came instead', async () => {
  const typed = await waited('Is it so?', { agent: 'typed' });
  expect(typed.output).toEqual({
    verdict: expect.stringMatching(/yes|no/),
    score: expect.any(Number),
  });
  const wrong = await waited('[demo:fault invalid_structured_output] wrong', { agent: 'typed' });
  expect(wrong).toMatchObject({
    status: 'FAILED',
    output: null,
    error: { code: 'OUTPUT_INVALID' },
  });
  expect(wrong.turns).toHaveLength(1);
});

test('an unknown agent is refused by name', async () => {
  const { code, message } = await waited('hello', { agent: 'nobody' });
  expect(code).toBe('AGENT_NOT_FOUND');
  expect(message).toContain('clerk');
});

test('events come in order, and from any of them on again', async () => {
  const script = `${calls(['note', { text: 'a' }])} [demo:reply said and done] ordered`;
  const events = await server
    .subscribe<AgentEventView>(AGENT_EVENTS, { input: { agent: 'clerk', message: script } })
    .rest();
  const told = events.map(({ __typename }) => __typename).filter((type) => type !== 'TextDelta');
  expect(told).toEqual([
    'RunStarted',
    'ToolCallStarted',
    'ToolCallFinished',
    'TurnFinished',
    'TurnFinished',
    'RunFinished',
  ]);
  const { runId } = events[0]!;
  for (const [index, { cursor }] of events.slice(0, -1).entries()) {
    const rest = await server
      .subscribe<AgentEventView>(RUN_EVENTS, { id: runId, after: cursor })
      .rest();
    const words = (list: AgentEventView[]) => list.map(({ text = '' }) => text).join('');
    expect(words(rest)).toBe(words(events.slice(index + 1)));
    expect(rest.at(-1)?.__typename).toBe('RunFinished');
  }
});
