import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseId } from '../../src/schema/global-id.ts';
import { recordingLog } from '../support/recording-log.ts';
import { startTestServer, type TestServer } from '../support/start-test-server.ts';

let server: TestServer;
const { log, entries } = recordingLog();

beforeAll(async () => {
  server = await startTestServer({ log });
});
afterAll(() => server[Symbol.asyncDispose]());

const completion = /* GraphQL */ `
  subscription Stream($text: String!) {
    completion(input: { prompt: { text: $text } }) {
      __typename
      runId
      cursor
      ... on TextDelta { text }
    }
  }
`;

interface Event {
  __typename: string;
  runId: string;
  cursor: string;
  text?: string;
}

describe('the whole server', () => {
  test('completes, streams and counts', async () => {
    const stream = server.subscribe<Event>(completion, { text: 'Tell me of mosaics.' });
    const events = await stream.rest();
    expect(events[0]?.__typename).toBe('RunStarted');
    expect(events.at(-1)?.__typename).toBe('RunFinished');
    const text = events.map((event) => event.text ?? '').join('');
    expect(text.length).toBeGreaterThan(10);
    const { data } = await server.execute<{ costStats: { requests: number } }>(
      '{ costStats { requests } viewer { userId roles } }',
    );
    expect(data).toMatchObject({ costStats: { requests: 1 }, viewer: { userId: 'admin' } });
  });

  test('logs each operation and model call, with the request id, and no word of what was said', async () => {
    const from = entries.length;
    const secret = 'the launch code is 7-alpha';
    const { data } = await server.execute<{ complete: { id: string } }>(
      'mutation Complete($t: String!) { complete(input: { prompt: { text: $t } }) { ... on Completion { id text } } }',
      { t: secret },
      { headers: { 'x-request-id': 'trace-7' } },
    );
    await expect
      .poll(() => entries.slice(from).filter((entry) => entry['requestId'] === 'trace-7'))
      .toEqual(
        expect.arrayContaining([
          expect.objectContaining({
            message: 'model call',
            runId: expect.any(String),
            userId: 'admin',
            model: expect.any(String),
            inputTokens: expect.any(Number),
            outputTokens: expect.any(Number),
            cost: expect.any(String),
            durationMs: expect.any(Number),
            status: 'succeeded',
          }),
          expect.objectContaining({
            message: 'operation',
            operation: 'Complete',
            outcome: 'OK',
            runId: parseId('Run', data!.complete.id),
          }),
        ]),
      );
    const text = JSON.stringify(entries);
    expect(text).not.toContain('7-alpha');
    expect(text).not.toContain(server.adminKey);
  });

  test('stops the model at once when its reader unsubscribes, also while it is silent', async () => {
    const release = server.demo.hold();
    const stream = server.subscribe<Event>(completion, { text: 'hello' });
    expect((await stream.take()).__typename).toBe('RunStarted');
    await server.demo.waitForOpenCalls(1);
    stream.stop();
    await server.demo.waitForOpenCalls(0, 1_000);
    release();
  });

  test('keeps roles apart', async () => {
    const as = await server.keyFor('ada');
    const denied = await server.execute(
      'mutation { createApiKey(input: { name: "x", userId: "eve", roles: [ADMIN] }) { secret } }',
      {},
      { as },
    );
    expect(denied.errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN' });
    const nobody = await server.execute('{ viewer { userId } }', {}, { as: null });
    expect(nobody.status).toBe(401);
  });

  test('bounds the model calls that one operation may start', async () => {
    const fields = Array.from(
      { length: 12 },
      (_, at) => `c${at}: complete(input: { prompt: { text: "x" } }) { __typename }`,
    );
    const { errors } = await server.execute(`mutation { ${fields.join(' ')} }`);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'OPERATION_TOO_EXPENSIVE' });
  });

  test('serves MCP clients by the same keys', async () => {
    const ask = (headers: Record<string, string>) =>
      fetch(`${server.url}/mcp`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          ...headers,
        },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
      });
    expect((await ask({})).status).toBe(401);
    const answer = await ask({ authorization: `Bearer ${server.adminKey}` });
    expect(await answer.text()).toContain('calculate');
  });

  test('tells Prometheus of its runs', async () => {
    const refused = 'complete(input: { prompt: { text: "[demo:fault refusal]" } }) { __typename }';
    await server.data(`mutation { ${refused} }`);
    const text = await (await fetch(`${server.running.url}/metrics`)).text();
    expect(text).toMatch(/tessera_runs_total\{kind="COMPLETION",status="SUCCEEDED"\} [1-9]/);
    expect(text).toMatch(/tessera_runs_total\{kind="COMPLETION",status="FAILED"\} [1-9]/);
    expect(text).toMatch(/tessera_model_tokens_total\{model="[^"]+",kind="output"\} [1-9]/);
    expect(text).toContain('tessera_open_model_calls 0');
  });
});

test('a mutation whose client goes away stops its model', async () => {
  await using server = await startTestServer({ environment: { DISCONNECT_GRACE_MS: '0' } });
  const release = server.demo.hold();
  const leaving = new AbortController();
  const answer = fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${server.adminKey}` },
    body: JSON.stringify({
      query: 'mutation { complete(input: { prompt: { text: "x" } }) { __typename } }',
    }),
    signal: leaving.signal,
  });
  await server.demo.waitForOpenCalls(1);
  leaving.abort();
  await expect(answer).rejects.toThrow('abort');
  await server.demo.waitForOpenCalls(0, 1_000);
  release();
});

test('a server that stops lets what is in flight end, and refuses what is new', async () => {
  const server = await startTestServer();
  const release = server.demo.hold();
  const stream = server.subscribe<Event>(completion, { text: 'hello' });
  const first = await stream.take();
  const cancelled = await server.subscribe<Event>(completion, { text: 'to be cancelled' }).take();
  await server.demo.waitForOpenCalls(2);
  const stopped = server.running.stop(10_000);
  const refused = await server.execute(
    'mutation { complete(input: { prompt: { text: "late" } }) { __typename } }',
  );
  expect([refused.status, refused.errors?.[0]?.extensions?.['code']]).toEqual([
    503,
    'SHUTTING_DOWN',
  ]);
  const { runId: id } = first;
  const joined = server.subscribe<Event>(
    'subscription ($id: ID!) { runEvents(runId: $id) { __typename } }',
    { id },
  );
  expect((await joined.take()).__typename).toBe('RunStarted');
  const other = await server.data('mutation ($id: ID!) { cancelRun(id: $id) { __typename } }', {
    id: cancelled.runId,
  });
  expect(other).toEqual({ cancelRun: { __typename: 'Completion' } });
  release();
  expect((await stream.rest()).at(-1)?.__typename).toBe('RunFinished');
  expect((await joined.rest()).at(-1)?.__typename).toBe('RunFinished');
  await stopped;
  await expect(fetch(server.url)).rejects.toThrow();
  await server.demo.close();
});
