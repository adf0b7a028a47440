import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../support/start-test-server.ts';
import {
  asking,
  COMPLETION,
  EVENTS,
  RUN,
  type RunState,
  type StreamEvent,
} from '../servers/support/run-operations.ts';
import { clientOf, type ServerClient } from '../servers/support/server-client.ts';

let server: TestServer;
let client: ServerClient;
beforeAll(async () => {
  server = await startTestServer({ environment: { DISCONNECT_GRACE_MS: '0' } });
  client = clientOf(server.url, server.adminKey);
});
afterAll(async () => server[Symbol.asyncDispose]());

const statusOf = async (id: string) => (await client.data<RunState>(RUN, { id })).run?.status;

test('server-sent events and graphql-ws tell the same events, of live runs and of old ones', async () => {
  const live = client.subscribe<StreamEvent>(COMPLETION, asking('[demo:gate 3] [demo:words 30] a'));
  const first = await live.take();
  await server.demo.waitForGatedCalls(1);
  const follow = { id: first.runId, after: first.cursor };
  const others = [
    client.subscribe<StreamEvent>(EVENTS, follow, 'ws'),
    client.subscribe<StreamEvent>(EVENTS, follow, 'sse'),
  ];
  const heads = await Promise.all(others.map((other) => other.take()));
  server.demo.release();
  const told = await live.rest();
  const ends = await Promise.all(others.map((other) => other.rest()));
  const joined = (events: StreamEvent[]) => ({
    text: events.map(({ text = '' }) => text).join(''),
    last: events.at(-1),
  });
  for (const [index, rest] of ends.entries()) {
    expect(joined([heads[index]!, ...rest])).toEqual(joined(told));
  }
  const old = { id: first.runId };
  const overSocket = await client.subscribe<StreamEvent>(EVENTS, old, 'ws').rest();
  const overEvents = await client.subscribe<StreamEvent>(EVENTS, old, 'sse').rest();
  expect(overEvents).toEqual(overSocket);
  expect(joined(overSocket)).toEqual(joined([first, ...told]));
});

test.each(['ws', 'sse'] as const)(
  'without a grace a connection lost over %s stops the run',
  async (over) => {
    const prompt = asking(`[demo:gate 3] [demo:words 30] lost ${over}`);
    const stream = client.subscribe<StreamEvent>(COMPLETION, prompt, over);
    const { runId } = await stream.take();
    await server.demo.waitForGatedCalls(1);
    stream.cut();
    await server.demo.waitForOpenCalls(0);
    await expect.poll(() => statusOf(runId)).toBe('CANCELLED');
  },
);

test('a run is stopped only when its last reader is gone', async () => {
  const prompt = asking('[demo:gate 3] [demo:words 30] two readers');
  const first = client.subscribe<StreamEvent>(COMPLETION, prompt);
  const { runId: id } = await first.take();
  const second = client.subscribe<StreamEvent>(EVENTS, { id }, 'sse');
  await second.take();
  await server.demo.waitForGatedCalls(1);
  first.stop();
  await expect.poll(() => server.running.services.runs.openStreams()).toBe(1);
  server.demo.release();
  expect((await second.rest()).at(-1)?.run?.status).toBe('SUCCEEDED');
});

test('a client that gives up a mutation stops its run', async () => {
  const leaving = new AbortController();
  const query = 'mutation ($input: CompleteInput!) { complete(input: $input) { __typename } }';
  const request = fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${server.adminKey}` },
    body: JSON.stringify({ query, variables: asking('[demo:fault stall] given up') }),
    signal: leaving.signal,
  });
  await server.demo.waitForOpenCalls(1);
  leaving.abort();
  await expect(request).rejects.toThrow();
  await server.demo.waitForOpenCalls(0);
});
