import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../../src/data/database.ts';
import { openRawWebSocket } from '../../support/raw-web-socket.ts';
import { startTestTransport, type TestTransport } from '../../support/start-test-transport.ts';
import { openTestDatabase } from '../../support/test-database.ts';

let database: Database;
let server: TestTransport;

beforeAll(async () => {
  database = await openTestDatabase();
  server = await startTestTransport({ database });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await database.close();
});

const admin = { authorization: 'Bearer admin' };

async function open(payload?: Record<string, unknown>, to = server) {
  const connection = await openRawWebSocket(to.url);
  expect(await connection.init(payload)).toEqual({ type: 'connection_ack' });
  return connection;
}

const error = (id: string, code: string) => ({
  type: 'error',
  id,
  payload: [
    expect.objectContaining({
      extensions: expect.objectContaining({ code, requestId: expect.any(String) }),
    }),
  ],
});

const newSession = async () =>
  (
    await server.auth.redeemLoginLink(
      await server.auth.createLoginLink({
        userId: 'admin',
        groups: [],
        roles: ['ADMIN'],
        apiKeyId: null,
      }),
    )
  )?.session;

describe('a WebSocket', () => {
  test('carries streams, queries and mutations', async () => {
    using connection = await open(admin);
    connection.subscribe('1', 'subscription { count(to: 2) }');
    expect(await connection.next()).toEqual({
      type: 'next',
      id: '1',
      payload: { data: { count: 1 } },
    });
    expect(await connection.next()).toMatchObject({ payload: { data: { count: 2 } } });
    expect(await connection.next()).toEqual({ type: 'complete', id: '1' });
    connection.subscribe('2', 'mutation { set(value: 3) }');
    expect(await connection.next()).toMatchObject({ payload: { data: { set: 3 } } });
    expect(await connection.next()).toEqual({ type: 'complete', id: '2' });
    await expect
      .poll(() => server.entries.filter((entry) => entry['transport'] === 'websocket'))
      .toMatchObject([
        { message: 'operation', type: 'subscription', outcome: 'OK', userId: 'admin' },
        { message: 'operation', type: 'mutation', outcome: 'OK' },
      ]);
  });

  test('of nobody stays open, and each operation says what is missing', async () => {
    using connection = await open();
    connection.subscribe('1', '{ hello }');
    expect(await connection.next()).toEqual(error('1', 'UNAUTHENTICATED'));
    connection.subscribe('2', '{ helo }');
    expect(await connection.next()).toEqual(error('2', 'UNAUTHENTICATED'));
  });

  test('with a wrong key closes with 4403', async () => {
    using connection = await openRawWebSocket(server.url);
    connection.send({ type: 'connection_init', payload: { authorization: 'Bearer tsr_wrong' } });
    expect(await connection.closed).toEqual({ code: 4403, reason: 'Forbidden' });
  });

  test('takes the session cookie from pages of this server only', async () => {
    const cookie = `tessera_session=${await newSession()}`;
    const ask = async (origin: string) => {
      using connection = await openRawWebSocket(server.url, { headers: { cookie, origin } });
      await connection.init();
      connection.subscribe('1', '{ hello }');
      return await connection.next();
    };
    expect(await ask(server.origin)).toMatchObject({ payload: { data: { hello: 'Hello, you' } } });
    expect(await ask('https://evil.example')).toEqual(error('1', 'UNAUTHENTICATED'));
    expect(await ask('null')).toEqual(error('1', 'UNAUTHENTICATED'));
  });

  test('refuses a revoked key at its next operation, and ends what it has open', async () => {
    await using server = await startTestTransport({ database, keepAliveMs: 200 });
    const { apiKey, secret } = await server.auth.createApiKey({
      name: 'app',
      userId: 'ada',
      roles: ['USER'],
    });
    using idle = await open({ authorization: `Bearer ${secret}` }, server);
    using busy = await open({ authorization: `Bearer ${secret}` }, server);
    busy.subscribe('1', 'subscription { opens }');
    await busy.next();
    await server.auth.revokeApiKey(apiKey.id);
    idle.subscribe('1', '{ hello }');
    expect(await idle.next()).toEqual(error('1', 'UNAUTHENTICATED'));
    expect(await busy.closed).toEqual({ code: 4403, reason: 'Forbidden' });
  });

  test('bears a malformed operation, and its other streams too', async () => {
    using connection = await open(admin);
    connection.subscribe('stays', 'subscription { flood(length: 1) }');
    await connection.next();
    connection.subscribe('bad', '{ hello');
    let message = await connection.next();
    while (message.id === 'stays') message = await connection.next();
    expect(message).toEqual(error('bad', 'GRAPHQL_PARSE_FAILED'));
    connection.send({ id: 'stays', type: 'complete' });
    expect(await server.nextLeaving()).toBe('unsubscribed');
  });

  test.each([
    ['an unknown field', '{ helo }', {}, 'GRAPHQL_VALIDATION_FAILED'],
    ['several operations and no name', 'query A { hello } query B { hello }', {}, 'BAD_USER_INPUT'],
    ['a huge document', `{ ${'hello '.repeat(5_000)} }`, {}, 'OPERATION_TOO_EXPENSIVE'],
    [
      'deep variables',
      '{ hello }',
      JSON.parse(`{"a":${'['.repeat(99)}${']'.repeat(99)}}`),
      'BAD_USER_INPUT',
    ],
  ])('answers %s by a code', async (_, query, variables, code) => {
    using connection = await open(admin);
    connection.subscribe('1', query, variables);
    expect(await connection.next()).toEqual(error('1', code));
  });

  test('answers what goes wrong in executing by a code, and masks what nobody expected', async () => {
    using connection = await open(admin);
    connection.subscribe('1', 'query($n: String!) { hello(name: $n) }', { n: 1 });
    expect(await connection.next()).toMatchObject({
      type: 'next',
      payload: { errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] },
    });
    await connection.next();
    connection.subscribe('2', '{ boom }');
    const masked = await connection.next();
    expect(masked).toMatchObject({
      payload: {
        data: { boom: null },
        errors: [{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }],
      },
    });
    expect(JSON.stringify(masked)).not.toContain('secrets');
    await connection.next();
    connection.subscribe('3', 'subscription { breaks }');
    expect(await connection.next()).toMatchObject({ payload: { data: { breaks: 1 } } });
    const broken = await connection.next();
    expect(broken).toEqual(error('3', 'INTERNAL_SERVER_ERROR'));
    expect(JSON.stringify(broken)).not.toContain('secret');
  });

  test('does not spoil the same malformed document for HTTP', async () => {
    using connection = await open(admin);
    connection.subscribe('1', '{ both');
    expect(await connection.next()).toEqual(error('1', 'GRAPHQL_PARSE_FAILED'));
    const response = await fetch(server.url, {
      method: 'POST',
      headers: {
        ...admin,
        'content-type': 'application/json',
        accept: 'application/graphql-response+json',
      },
      body: JSON.stringify({ query: '{ both' }),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      errors: [{ extensions: { code: 'GRAPHQL_PARSE_FAILED' } }],
    });
  });

  test('has at most 100 operations open', async () => {
    using connection = await open(admin);
    for (let id = 1; id <= 101; id += 1) {
      connection.subscribe(String(id), 'subscription { silence }');
    }
    expect(await connection.next()).toEqual(error('101', 'RATE_LIMITED'));
    connection.send({ id: '1', type: 'complete' });
    expect(await server.nextLeaving()).toBe('unsubscribed');
    connection.subscribe('102', '{ hello }');
    expect(await connection.next()).toMatchObject({ id: '102', type: 'next' });
    connection.socket.terminate();
    const left = await Promise.all(Array.from({ length: 99 }, () => server.nextLeaving()));
    expect(left.every((how) => how === 'disconnected')).toBe(true);
  });

  test.each([
    ['a message that is too long', 'x'.repeat(150_000), 1009],
    ['what is no JSON', '{', 4400],
    ['what is no message', '{"type": "nonsense"}', 4400],
    [
      'an operation before connection_init',
      '{"id":"1","type":"subscribe","payload":{"query":"{hello}"}}',
      4401,
    ],
  ])('closes on %s', async (_, message, code) => {
    using connection = await openRawWebSocket(server.url);
    connection.send(message);
    expect((await connection.closed).code).toBe(code);
  });

  test('closes on a second connection_init, a used id and another protocol', async () => {
    using twice = await open(admin);
    twice.send({ type: 'connection_init' });
    expect((await twice.closed).code).toBe(4429);
    using same = await open(admin);
    same.subscribe('1', 'subscription { silence }');
    same.subscribe('1', 'subscription { silence }');
    expect((await same.closed).code).toBe(4409);
    await expect(openRawWebSocket(server.url, { protocol: 'graphql-ws' })).rejects.toThrow();
    await expect(openRawWebSocket(`${server.origin}/elsewhere`)).rejects.toThrow('404');
  });

  test('closes with 1001 when the server stops, which tells streams that it was not their client', async () => {
    const server = await startTestTransport({ database });
    using connection = await open(admin, server);
    connection.subscribe('1', 'subscription { silence }');
    connection.subscribe('2', '{ hello }');
    await connection.next();
    server.transport.refuseNewWork();
    connection.subscribe('3', 'mutation { set(value: 1) }');
    await connection.next();
    expect(await connection.next()).toEqual(error('3', 'SHUTTING_DOWN'));
    connection.subscribe('4', 'subscription { count(to: 1) }');
    expect(await connection.next()).toEqual(error('4', 'SHUTTING_DOWN'));
    await server.transport.close();
    expect((await connection.closed).code).toBe(1001);
    expect(await server.nextLeaving()).toBe('disconnected');
  });
});

test.each(['Authorization', 'AUTHORIZATION', 'authorization'])(
  'a key is taken from connection_init as %s',
  async (name) => {
    using connection = await open({ [name]: 'Bearer admin' });
    connection.subscribe('1', '{ hello }');
    expect(await connection.next()).toMatchObject({ payload: { data: { hello: 'Hello, you' } } });
  },
);
