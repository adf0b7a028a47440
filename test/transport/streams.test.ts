import type { IncomingMessage } from 'node:http';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../src/data/database.ts';
import { openRawWebSocket } from '../support/raw-web-socket.ts';
import { startTestTransport, type TestTransport } from '../support/start-test-transport.ts';
import { openTestDatabase } from '../support/test-database.ts';

let database: Database;
let server: TestTransport;

beforeAll(async () => {
  database = await openTestDatabase();
  server = await startTestTransport({ database, stallMs: 150 });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await database.close();
});

const authorization = 'Bearer admin';

/** A stream of server-sent events whose response is not read until it is told to. */
function openEventStream(query: string, key = 'admin', to = server): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      accept: 'text/event-stream',
    };
    const sent = request(to.url, { method: 'POST', headers }, resolve);
    sent.once('error', reject);
    sent.end(JSON.stringify({ query }));
  });
}

async function readEvents(response: IncomingMessage): Promise<unknown[]> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return text
    .split('\n\n')
    .filter((event) => event.startsWith('event:'))
    .map((event) => JSON.parse(/^data: ?(.*)$/m.exec(event)?.[1] || '"complete"'));
}

async function openSocket() {
  const connection = await openRawWebSocket(server.url);
  await connection.init({ authorization });
  return connection;
}

describe('server-sent events', () => {
  test('carry a stream to its end', async () => {
    const response = await openEventStream('subscription { count(to: 2) }');
    expect(response.statusCode).toBe(200);
    expect(response.headers['content-type']).toBe('text/event-stream');
    expect(await readEvents(response)).toEqual([
      { data: { count: 1 } },
      { data: { count: 2 } },
      'complete',
    ]);
  });

  test('end with the error when the stream fails', async () => {
    const events = await readEvents(await openEventStream('subscription { breaks }'));
    expect(events).toEqual([
      { data: { breaks: 1 } },
      {
        errors: [
          expect.objectContaining({
            extensions: expect.objectContaining({ code: 'INTERNAL_SERVER_ERROR' }),
          }),
        ],
      },
      'complete',
    ]);
    expect(JSON.stringify(events)).not.toContain('secret');
  });

  test('that lose their reader end at once, also while they are silent', async () => {
    const response = await openEventStream('subscription { silence }');
    response.destroy();
    expect(await server.nextLeaving()).toBe('disconnected');
  });

  test.each(['opens', 'silence'])('of a key that is revoked end: %s', async (field) => {
    await using server = await startTestTransport({ database, keepAliveMs: 200 });
    const owner = { name: 'app', userId: 'ada', roles: ['USER' as const] };
    const { apiKey, secret } = await server.auth.createApiKey(owner);
    const response = await openEventStream(`subscription { ${field} }`, secret, server);
    await server.auth.revokeApiKey(apiKey.id);
    expect((await readEvents(response)).slice(-2)).toMatchObject([
      { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] },
      'complete',
    ]);
    expect(await server.nextLeaving()).toBe('disconnected');
  });

  test('are refused like everything else', async () => {
    const response = await openEventStream('subscription { nonsense }');
    expect(await readEvents(response)).toMatchObject([
      { errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] },
      'complete',
    ]);
  });
});

describe('a WebSocket that is lost', () => {
  test.each([
    ['cut', (socket: { terminate(): void }) => socket.terminate()],
    ['closed', (socket: { close(code: number): void }) => socket.close(1000)],
  ])('%s ends a silent stream at once, as a disconnect', async (_, lose) => {
    const connection = await openSocket();
    connection.subscribe('1', 'subscription { opens }');
    await connection.next();
    lose(connection.socket);
    expect(await server.nextLeaving()).toBe('disconnected');
  });

  test('an unsubscribe is not', async () => {
    using connection = await openSocket();
    connection.subscribe('1', 'subscription { opens }');
    await connection.next();
    connection.send({ id: '1', type: 'complete' });
    expect(await server.nextLeaving()).toBe('unsubscribed');
  });
});

const slow = {
  message: expect.stringMatching(/^This stream was read too slowly/),
  extensions: { code: 'SLOW_CONSUMER', cursor: expect.any(String), requestId: expect.any(String) },
};

describe('a reader that stalls', () => {
  test('over WebSocket loses its stream, with the cursor behind what it was sent; others feel nothing', async () => {
    using stalled = await openSocket();
    using other = await openSocket();
    stalled.socket.pause();
    stalled.subscribe('1', 'subscription { flood(length: 10000) }');
    expect(await server.nextLeaving()).toBe('disconnected');
    other.subscribe('1', 'subscription { count(to: 1) }');
    expect(await other.next()).toMatchObject({ payload: { data: { count: 1 } } });

    stalled.socket.resume();
    let received = 0;
    let message = await stalled.next();
    for (; message.type === 'next'; message = await stalled.next()) received += 1;
    expect(message).toEqual({ type: 'error', id: '1', payload: [slow] });
    expect(message.payload).toMatchObject([{ extensions: { cursor: `cursor-${received}` } }]);
    stalled.subscribe('2', '{ hello }');
    expect(await stalled.next()).toMatchObject({
      id: '2',
      payload: { data: { hello: 'Hello, you' } },
    });
    expect(await server.metrics.text()).toContain(
      'tessera_slow_consumers_total{transport="websocket"} 1',
    );
  });

  test('over server-sent events loses its stream likewise', async () => {
    const response = await openEventStream('subscription { flood(length: 10000) }');
    expect(await server.nextLeaving()).toBe('disconnected');
    const events = await readEvents(response);
    expect(events.at(-1)).toBe('complete');
    expect(events.at(-2)).toEqual({ errors: [slow] });
    expect(events.at(-2)).toMatchObject({
      errors: [{ extensions: { cursor: `cursor-${events.length - 2}` } }],
    });
  });

  test('for good is cut off', async () => {
    const before = server.entries.length;
    const cut = () =>
      server.entries
        .slice(before)
        .filter((entry) => entry['outcome'] === 'SLOW_CONSUMER' && entry['disconnected']);
    const response = await openEventStream('subscription { flood(length: 10000) }');
    expect(await server.nextLeaving()).toBe('disconnected');
    await expect.poll(cut, { timeout: 5_000 }).toHaveLength(1);
    const read = await readEvents(response).catch((error: Error) => error.message);
    expect(read).toBe('aborted');
  });
});
