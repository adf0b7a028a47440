import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, createClient, type RunError } from '../../client/create-client.ts';
import { startTestServer, type TestServer } from '../support/start-test-server.ts';
import { type CuttingProxy, startCuttingProxy } from './support/cutting-proxy.ts';

const COMPLETION = `subscription ($input: CompleteInput!) {
  completion(input: $input) { ... on RunFinished { run { id cost ... on Completion { text } } } }
}`;

let server: TestServer;
let proxy: CuttingProxy;

beforeAll(async () => {
  server = await startTestServer();
  proxy = await startCuttingProxy(server.url);
});
afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

interface Events {
  completion: { __typename?: string; run?: { id: string; text: string; cost: string } };
}

/** Past the cache: every run calls the model. */
const asking = (text: string, options: object = {}) => ({
  input: { prompt: { text }, options: { cache: 'BYPASS', ...options } },
});

function connect(transport: 'websocket' | 'sse', url = proxy.url): Client {
  return createClient({ url: `${url}/graphql`, token: server.adminKey, transport });
}

/** Model calls that have been made until now. */
const calls = (): number => server.demo.requests.length;

describe.each(['websocket', 'sse'] as const)('over %s', (transport) => {
  test('a run comes whole, with its text, its events and its last one', async () => {
    const client = connect(transport);
    const run = client.run<Events, object>(COMPLETION, asking('[demo:words 20] Hello'));
    const names: (string | undefined)[] = [];
    for await (const event of run) names.push(event.__typename);
    const finished = await run.finished;
    expect(await run.text).toBe(finished.run?.text);
    expect(names.at(0)).toBe('RunStarted');
    expect(names.at(-1)).toBe('RunFinished');
    expect(names.filter((name) => name === 'TextDelta').length).toBeGreaterThan(0);
    client.close();
  });

  test('a connection that is reset again and again loses and doubles nothing, and is billed once', async () => {
    const client = connect(transport);
    const before = calls();
    const run = client.run<Events, object>(
      COMPLETION,
      asking('[demo:words 300] [demo:delay 5] Tell a long story'),
    );
    let deltas = 0;
    for await (const event of run) {
      if (event.__typename !== 'TextDelta') continue;
      deltas += 1;
      if (deltas % 40 === 10) proxy.cut('reset');
    }
    const { run: stored } = await run.finished;
    expect(await run.text).toBe(stored?.text);
    expect(calls() - before).toBe(1);
    expect(deltas).toBeGreaterThan(50);
    client.close();
  });

  test('a connection that is lost before the first event joins the run that it began', async () => {
    const client = connect(transport);
    const before = calls();
    const connections = proxy.connections();
    const release = server.demo.hold();
    const run = client.run<Events, object>(COMPLETION, asking('[demo:words 10] Wait for it'));
    await expect.poll(calls).toBe(before + 1);
    proxy.cut('reset');
    await expect.poll(() => proxy.connections()).toBeGreaterThan(connections + 1);
    release();
    const { run: stored } = await run.finished;
    expect(await run.text).toBe(stored?.text);
    expect(calls() - before).toBe(1);
    client.close();
  });

  test('an abort stops the run on the server', async () => {
    const client = connect(transport);
    const abort = new AbortController();
    const run = client.run<Events, object>(
      COMPLETION,
      asking('[demo:words 5000] [demo:delay 5] Go on and on'),
      { signal: abort.signal },
    );
    const id = await run.id;
    abort.abort();
    await expect(run.finished).rejects.toMatchObject({ code: 'RUN_CANCELLED', runId: id });
    await expect
      .poll(async () => {
        const { run } = await server.data<{ run: { status: string } }>(
          'query ($id: ID!) { run(id: $id) { status } }',
          { id },
        );
        return run.status;
      })
      .toBe('CANCELLED');
    client.close();
  });

  test('leaving a run lets it go on', async () => {
    const client = connect(transport);
    const abort = new AbortController();
    const run = client.run<Events, object>(
      COMPLETION,
      asking('[demo:words 40] [demo:delay 5] Finish without me'),
      { signal: abort.signal, onAbort: 'leave' },
    );
    const id = await run.id;
    abort.abort();
    await expect(run.finished).rejects.toMatchObject({ code: 'LEFT' });
    const again = client.run<{ runEvents: { __typename?: string } }, { id: string }>(
      'subscription ($id: ID!) { runEvents(runId: $id) { at } }',
      { id },
    );
    expect((await again.text).split(' ').length).toBeGreaterThanOrEqual(40);
    client.close();
  });

  test('what refuses a run rejects with its code, and does not come again', async () => {
    const refused = createClient({ url: `${server.url}/graphql`, token: 'tsr_wrong', transport });
    await expect(
      refused.run<Events, object>(COMPLETION, asking('Hello')).text,
    ).rejects.toMatchObject({ code: expect.stringMatching(/UNAUTHENTICATED|CONNECTION_LOST/) });
    const client = connect(transport, server.url);
    const unknown = client.run<Events, object>('subscription { nothing { at } }', {});
    await expect(unknown.text).rejects.toMatchObject({ code: 'GRAPHQL_VALIDATION_FAILED' });
    const failing = client.run<Events, object>(COMPLETION, {
      input: { prompt: { text: 'Hi' }, model: 'nobody/knows' },
    });
    const names: (string | undefined)[] = [];
    for await (const event of failing) names.push(event.__typename);
    expect(names).toEqual(['RunFailed']);
    const error = await failing.text.catch((failure: RunError) => failure);
    expect(error).toMatchObject({ name: 'RunError', code: 'MODEL_NOT_FOUND' });
    for (const each of [client, refused]) each.close();
  });
});

test('a half-open connection is found out, and the run read on', { timeout: 60_000 }, async () => {
  const client = connect('websocket');
  const before = calls();
  const run = client.run<Events, object>(
    COMPLETION,
    asking('[demo:words 300] [demo:delay 10] A long one', { onDisconnect: 'CONTINUE' }),
  );
  await run.id;
  proxy.cut('half-open');
  const { run: stored } = await run.finished;
  expect(await run.text).toBe(stored?.text);
  expect(calls() - before).toBe(1);
  client.close();
});

test('a token that expired is renewed', async () => {
  const tokens = ['tsr_expired', server.adminKey];
  const client = createClient({
    url: `${server.url}/graphql`,
    token: () => tokens.shift() ?? server.adminKey,
  });
  expect(await client.run<Events, object>(COMPLETION, asking('[demo:reply Fine.]')).text).toBe(
    'Fine.',
  );
  client.close();
});

test('malformed defaults of a run are refused by name', async () => {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${server.adminKey}`,
      'content-type': 'application/json',
      accept: 'text/event-stream',
    },
    body: JSON.stringify({
      query: COMPLETION,
      variables: asking('Hello'),
      extensions: { tessera: { onDisconnect: 'NEVER' } },
    }),
  });
  expect(await response.text()).toContain('extensions.tessera.onDisconnect');
});
