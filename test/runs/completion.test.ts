import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/start-test-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ environment: { DISCONNECT_GRACE_MS: '200' } });
});
afterAll(async () => server[Symbol.asyncDispose]());

interface Event {
  __typename: string;
  runId: string;
  cursor: string;
  text?: string;
  run?: { status: string; text: string; usage: { outputTokens: number }; cost: string };
  error?: { code: string };
}
const eventFields = `__typename runId cursor
  ... on TextDelta { text }
  ... on RunFinished { run { status usage { outputTokens } cost ... on Completion { text } } }
  ... on RunFailed { error { code message } }`;
const COMPLETION = `subscription ($input: CompleteInput!) { completion(input: $input) { ${eventFields} } }`;
const EVENTS = `subscription ($id: ID!, $after: String) { runEvents(runId: $id, after: $after) { ${eventFields} } }`;
const RUN =
  'query ($id: ID!) { run(id: $id) { status usage { outputTokens estimated } error { code } } }';

const asking = (text: string, options: object = {}) => ({ input: { prompt: { text }, options } });
const textOf = (events: Event[]) => events.map((event) => event.text ?? '').join('');

async function status(id: string): Promise<string> {
  const { run } = await server.data<{ run: { status: string } }>(RUN, { id });
  return run.status;
}

test('a completion streams its text and ends with what it cost', async () => {
  const events = await server
    .subscribe<Event>(COMPLETION, asking('[demo:reply one two three] a'))
    .rest();
  expect(events[0]?.__typename).toBe('RunStarted');
  expect(textOf(events)).toBe('one two three');
  const { run } = events.at(-1)!;
  expect(run).toMatchObject({ status: 'SUCCEEDED', text: 'one two three' });
  expect(Number(run?.cost)).toBeGreaterThan(0);
  const billed = server.demo.billing.calls.at(-1)!;
  expect(run?.usage.outputTokens).toBe(billed.outputTokens);
});

test('a stream that was cut goes on behind its cursor on another connection', async () => {
  const first = server.subscribe<Event>(COMPLETION, asking('[demo:gate 3] [demo:words 40] b'));
  const head: Event[] = [await first.take(), await first.take()];
  first.cut();
  const { runId, cursor } = head.at(-1)!;
  const second = server.subscribe<Event>(EVENTS, { id: runId, after: cursor });
  const next = second.next();
  await server.demo.waitForGatedCalls(1);
  server.demo.release();
  const tail = [(await next).value!, ...(await second.rest())];
  const whole = await server.subscribe<Event>(EVENTS, { id: runId }).rest();
  expect(textOf([...head, ...tail])).toBe(textOf(whole));
  expect(tail.at(-1)?.__typename).toBe('RunFinished');
});

test('an unsubscribe stops the run at once, and what was billed is recorded', async () => {
  const stream = server.subscribe<Event>(COMPLETION, asking('[demo:gate 3] [demo:words 40] c'));
  const { runId } = await stream.take();
  await stream.take();
  stream.stop();
  await server.demo.waitForOpenCalls(0);
  await expect.poll(() => status(runId)).toBe('CANCELLED');
  const { run } = await server.data<{ run: { usage: object } }>(RUN, { id: runId });
  expect(run.usage).toMatchObject({ estimated: true });
});

test('a lost connection is given a grace, then the run is stopped', async () => {
  const stream = server.subscribe<Event>(COMPLETION, asking('[demo:fault stall] d'));
  const { runId } = await stream.take();
  await server.demo.waitForOpenCalls(1);
  stream.cut();
  await server.demo.waitForOpenCalls(0);
  await expect.poll(() => status(runId)).toBe('CANCELLED');
});

test('under CONTINUE neither an unsubscribe nor a lost connection stops the run', async () => {
  const options = { onDisconnect: 'CONTINUE' };
  const stream = server.subscribe<Event>(
    COMPLETION,
    asking('[demo:gate 3] [demo:words 9] e', options),
  );
  const { runId } = await stream.take();
  await server.demo.waitForGatedCalls(1);
  stream.stop();
  server.demo.release();
  await expect.poll(() => status(runId)).toBe('SUCCEEDED');
});

test('cancelRun stops a silent call', async () => {
  const stream = server.subscribe<Event>(COMPLETION, asking('[demo:fault stall] f'));
  const { runId } = await stream.take();
  await server.demo.waitForOpenCalls(1);
  const CANCEL =
    'mutation ($id: ID!) { cancelRun(id: $id) { __typename ... on Completion { status } ... on Error { code } } }';
  const { cancelRun } = await server.data<{ cancelRun: object }>(CANCEL, { id: runId });
  expect(cancelRun).toEqual({ __typename: 'Completion', status: 'CANCELLED' });
  expect(server.demo.openCalls).toBe(0);
  expect((await stream.rest()).at(-1)?.error?.code).toBe('RUN_CANCELLED');
  const again = await server.data<{ cancelRun: object }>(CANCEL, { id: runId });
  expect(again.cancelRun).toEqual({ __typename: 'ConflictError', code: 'CONFLICT' });
});
