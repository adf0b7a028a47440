import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../../src/data/database.ts';
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

const authorization = 'Bearer admin';

interface Answer {
  status: number;
  headers: Headers;
  body: {
    data?: Record<string, unknown>;
    errors?: { message: string; extensions: Record<string, unknown> }[];
  };
}

async function post(body: unknown, init: RequestInit = {}, to = server): Promise<Answer> {
  const response = await fetch(to.url, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...init,
    headers: { 'content-type': 'application/json', authorization, ...init.headers },
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : {} };
}

const codeOf = ({ body }: Answer): unknown => body.errors?.[0]?.extensions['code'];

describe('an operation', () => {
  test('is answered, with a request id', async () => {
    const answer = await post({ query: '{ hello }' });
    expect(answer).toMatchObject({ status: 200, body: { data: { hello: 'Hello, you' } } });
    expect(answer.headers.get('x-request-id')).toMatch(/^[\w-]{36}$/);
  });

  test('keeps the request id of its client, unless that could do harm', async () => {
    const kept = await post({ query: '{ caller }' }, { headers: { 'x-request-id': 'trace-1:2' } });
    expect(kept.body.data).toEqual({ caller: 'admin trace-1:2' });
    expect(kept.headers.get('x-request-id')).toBe('trace-1:2');
    const odd = await post({ query: '{ caller }' }, { headers: { 'x-request-id': '{"a": 1}' } });
    expect(odd.headers.get('x-request-id')).toMatch(/^[\w-]{36}$/);
  });

  test('may be a GET, for queries and by callers that a form cannot be', async () => {
    const get = (search: string, headers: Record<string, string> = { authorization }) =>
      fetch(`${server.url}?${search}`, { headers });
    const query = `query=${encodeURIComponent('{ hello }')}`;
    expect((await get(query)).headers.get('cache-control')).toBe('no-store');
    expect(await (await get(query)).json()).toEqual({ data: { hello: 'Hello, you' } });
    expect((await get(`query=${encodeURIComponent('mutation { set(value: 1) }')}`)).status).toBe(
      405,
    );
    for (const broken of ['variables={', 'extensions=[', 'variables=%22text%22']) {
      const response = await get(`${query}&${broken}`);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({
        errors: [{ extensions: { code: 'BAD_USER_INPUT' } }],
      });
    }
    const link = await server.auth.redeemLoginLink(
      await server.auth.createLoginLink({
        userId: 'admin',
        groups: [],
        roles: ['ADMIN'],
        apiKeyId: null,
      }),
    );
    const foreign = { origin: 'https://evil.example' };
    const cookie = `tessera_session=${link?.session}`;
    const own = { 'content-type': 'application/json', cookie };
    const send = (headers: Record<string, string>) =>
      fetch(server.url, { method: 'POST', body: '{"query":"{ hello }"}', headers });
    expect((await send({ ...own, ...foreign })).status).toBe(401);
    expect((await send({ ...own, origin: server.origin })).status).toBe(200);
    const fromForm = await get(query, { cookie: `tessera_session=${link?.session}` });
    expect(fromForm.status).toBe(403);
    expect(await fromForm.json()).toMatchObject({
      errors: [{ extensions: { code: 'FORBIDDEN' } }],
    });
  });

  test('leaves one line in the log, without what was asked or answered', async () => {
    const before = server.entries.length;
    const query = 'query Greet($name: String!) { hello(name: $name) }';
    await post(
      { query, variables: { name: 'a secret name' } },
      { headers: { 'x-request-id': 'r-9' } },
    );
    await expect.poll(() => server.entries.slice(before)).toHaveLength(1);
    expect(server.entries[before]).toMatchObject({
      level: 'info',
      message: 'operation',
      requestId: 'r-9',
      transport: 'http',
      userId: 'admin',
      operation: 'Greet',
      type: 'query',
      outcome: 'OK',
      status: 200,
    });
    const text = JSON.stringify(server.entries.slice(before));
    expect(text).not.toContain('secret name');
    expect(text).not.toContain('Bearer');
    expect(await server.metrics.text()).toContain(
      'tessera_operation_duration_seconds_count{transport="http",type="query",outcome="OK"}',
    );
  });
});

test('a name of an operation is cut in the log', async () => {
  const before = server.entries.length;
  await post({ query: `query ${'N'.repeat(5_000)} { hello }` });
  await expect.poll(() => server.entries.slice(before)).toHaveLength(1);
  expect(server.entries[before]?.['operation']).toBe('N'.repeat(100));
});

describe('another method', () => {
  test.each([
    ['PUT', '/graphql', 'GET, POST, OPTIONS'],
    ['DELETE', '/graphql', 'GET, POST, OPTIONS'],
    ['HEAD', '/graphql', 'GET, POST, OPTIONS'],
    ['POST', '/export/usage', null],
    ['POST', '/metrics', 'GET, HEAD'],
    ['DELETE', '/health/live', 'GET, HEAD'],
    ['POST', '/', 'GET, HEAD'],
  ])('than it takes is answered 405 by %s %s, with those it takes', async (method, path, allow) => {
    const response = await fetch(server.origin + path, { method });
    expect(response.status).toBe(allow ? 405 : 404);
    expect(response.headers.get('allow')).toBe(allow);
  });
});

describe('errors', () => {
  test('that nobody expected say nothing but a request id, and are logged whole', async () => {
    const answer = await post({ query: '{ boom }' }, { headers: { 'x-request-id': 'r-1' } });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      data: { boom: null },
      errors: [
        {
          message: expect.stringMatching(/^Something went wrong on our side/),
          locations: [{ line: 1, column: 3 }],
          path: ['boom'],
          extensions: { code: 'INTERNAL_SERVER_ERROR', requestId: 'r-1' },
        },
      ],
    });
    const logged = server.entries.find((entry) => entry.message === 'unexpected error');
    expect(logged).toMatchObject({ level: 'error', requestId: 'r-1', userId: 'admin' });
    expect(logged?.['err']).toMatchObject({ message: expect.stringContaining('secrets') });
  });

  test('of the domain keep their code and words', async () => {
    const answer = await post({ query: '{ bounded }' });
    expect(answer.body.errors).toMatchObject([
      { message: 'No room in your budget.', extensions: { code: 'BUDGET_EXCEEDED' } },
    ]);
  });

  test('tells the place of a wrong value in its variables', async () => {
    const said =
      'mutation($value: Int!, $more: PointsInput!) { set(value: $value) place(at: $more) }';
    const wrong = { value: 'at "x"; [1]', more: { points: [{ x: 1 }, { x: 'secret' }] } };
    const answer = await post({ query: said, variables: wrong });
    expect(answer.body.errors).toMatchObject([
      {
        message: 'value: Int cannot represent non-integer value: "at \\"x\\"; [1]"',
        extensions: { code: 'BAD_USER_INPUT', issues: [{ path: ['value'] }] },
      },
      {
        extensions: {
          code: 'BAD_USER_INPUT',
          issues: [
            { path: ['more', 'points', '1', 'x'], message: expect.stringContaining('Int cannot') },
          ],
        },
      },
    ]);
    const missing = await post({ query: said, variables: { value: 1, more: { points: [{}] } } });
    expect(missing.body.errors?.[0]).toMatchObject({
      message: 'more.points.0: Field "x" of required type "Int!" was not provided.',
      extensions: { issues: [{ path: ['more', 'points', '0'] }] },
    });
    const none = await post({ query: said, variables: { more: { points: [] } } });
    expect(none.body.errors?.[0]?.extensions).toMatchObject({ issues: [{ path: ['value'] }] });
  });

  test.each([
    ['a syntax error', { query: '{ hello' }, 'GRAPHQL_PARSE_FAILED'],
    ['an unknown field', { query: '{ helo }' }, 'GRAPHQL_VALIDATION_FAILED'],
    [
      'a variable of the wrong type',
      { query: 'query($n: String!) { hello(name: $n) }', variables: { n: 1 } },
      'BAD_USER_INPUT',
    ],
    ['a missing variable', { query: 'query($n: String!) { hello(name: $n) }' }, 'BAD_USER_INPUT'],
    [
      'a null in a nullable variable',
      { query: 'query($n: String = "x") { hello(name: $n) }', variables: { n: null } },
      'BAD_USER_INPUT',
    ],
    ['no operation of that name', { query: '{ hello }', operationName: 'x' }, 'BAD_USER_INPUT'],
    ['no query', {}, 'BAD_USER_INPUT'],
    ['a query that is no text', { query: { a: 1 } }, 'BAD_USER_INPUT'],
    ['variables that are no object', { query: '{ hello }', variables: [1] }, 'BAD_USER_INPUT'],
    ['a batch', [{ query: '{ hello }' }], 'BAD_USER_INPUT'],
    ['an unknown parameter', { query: '{ hello }', nonsense: 1 }, 'BAD_USER_INPUT'],
    ['no JSON', '{"query": ', 'BAD_USER_INPUT'],
    ['a JSON number', '7', 'BAD_USER_INPUT'],
    ['a JSON null', 'null', 'BAD_USER_INPUT'],
    ['an empty body', '', 'BAD_USER_INPUT'],
  ])('name %s by a code, and never as a fault of ours', async (_, body, code) => {
    const answer = await post(body, {
      headers: { accept: 'application/graphql-response+json, application/json' },
    });
    expect(codeOf(answer)).toBe(code);
    expect(answer.body.errors?.[0]?.extensions['requestId']).toBe(
      answer.headers.get('x-request-id'),
    );
    expect([200, 400]).toContain(answer.status);
    expect(answer.body.data ?? null).toBeNull();
  });
});

describe('who may ask', () => {
  test.each([
    ['nobody', {}],
    ['a wrong key', { authorization: 'Bearer tsr_wrong' }],
    ['another scheme', { authorization: 'Basic YWRtaW46YWRtaW4=' }],
    ['a made-up session', { cookie: 'tessera_session=x' }],
  ])('not %s, nor learn of the schema', async (_, headers) => {
    for (const query of ['{ hello }', '{ helo }', '{ __schema { types { name } } }', '{']) {
      const response = await fetch(server.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers } as Record<string, string>,
        body: JSON.stringify({ query }),
      });
      expect(response.status).toBe(401);
      expect(await response.json()).toEqual({
        errors: [
          {
            message: expect.stringMatching(/^Sign in first/),
            extensions: { code: 'UNAUTHENTICATED', requestId: expect.any(String) },
          },
        ],
      });
    }
  });

  test('no key that was revoked a moment ago', async () => {
    const { apiKey, secret } = await server.auth.createApiKey({
      name: 'app',
      userId: 'ada',
      roles: ['USER'],
    });
    const headers = { authorization: `Bearer ${secret}` };
    expect((await post({ query: '{ hello }' }, { headers })).status).toBe(200);
    await server.auth.revokeApiKey(apiKey.id);
    expect((await post({ query: '{ hello }' }, { headers })).status).toBe(401);
  });

  test('each key so often a minute', async () => {
    await using limited = await startTestTransport({ database, requestsPerMinute: 2 });
    const ask = () => post({ query: '{ hello }' }, {}, limited);
    await ask();
    await ask();
    const answer = await ask();
    expect(answer.status).toBe(429);
    expect(codeOf(answer)).toBe('RATE_LIMITED');
    const retryAfter = Number(answer.headers.get('retry-after'));
    expect(retryAfter).toBeGreaterThan(0);
    expect(answer.body.errors?.[0]?.extensions['retryAfter']).toBe(retryAfter);
  });

  test('nobody while the database is away, at once and by a code', async () => {
    const away = Object.assign(Object.create(database), {
      query: () => Promise.reject(new Error('password of postgres is x')),
    });
    await using server = await startTestTransport({ database: away });
    const headers = { authorization: 'Bearer tsr_x' };
    const answer = await post({ query: '{ hello }' }, { headers }, server);
    expect(answer.status).toBe(503);
    expect(codeOf(answer)).toBe('INTERNAL_SERVER_ERROR');
    expect(JSON.stringify(answer.body)).not.toContain('postgres');
    expect((await fetch(`${server.origin}/health/ready`)).status).toBe(503);
    expect((await fetch(`${server.origin}/health/live`)).status).toBe(200);
  });
});

describe('a page of another site', () => {
  const preflight = (to: TestTransport, origin: string) =>
    fetch(to.url, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type,authorization',
      },
    });

  test('is allowed nothing', async () => {
    for (const origin of ['https://evil.example', 'null']) {
      const { headers } = await preflight(server, origin);
      const names = [...headers.keys()].filter((name) => name.startsWith('access-control'));
      expect(names).toEqual([]);
    }
  });

  test('is allowed to call with a key, where its origin is configured', async () => {
    const corsOrigins = ['https://app.example', 'https://b.example'];
    await using open = await startTestTransport({ database, corsOrigins });
    const allowed = await preflight(open, 'https://app.example');
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://app.example');
    expect(allowed.headers.get('access-control-allow-credentials')).toBeNull();
    for (const origin of ['https://evil.example', 'null', 'https://app.example.evil.example']) {
      const refused = await preflight(open, origin);
      expect(refused.headers.get('access-control-allow-origin')).toBeNull();
    }
  });

  test.each([
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/plain',
    '',
  ])('cannot make a form send an operation as %j', async (type) => {
    const body = 'query=mutation{set(value:1)}';
    const answer = await post(body, { headers: { 'content-type': type } });
    expect(answer.status).toBe(415);
    expect(codeOf(answer)).toBe('BAD_USER_INPUT');
  });
});

describe('shutting down', () => {
  test('refuses what begins work, and readiness, and says so', async () => {
    await using server = await startTestTransport({ database });
    expect((await fetch(`${server.origin}/health/ready`)).status).toBe(200);
    server.transport.refuseNewWork();
    const set = 'mutation Set { set(value: 1) } query Ask { hello }';
    const answer = await post({ query: set, operationName: 'Set' }, {}, server);
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(codeOf(answer)).toBe('SHUTTING_DOWN');
    const fragment = 'mutation { ...f } fragment f on Mutation { set(value: 1) }';
    expect((await post({ query: fragment }, {}, server)).status).toBe(503);
    const asked = await post({ query: set, operationName: 'Ask' }, {}, server);
    expect(asked.body).toEqual({ data: { hello: 'Hello, you' } });
    expect((await fetch(`${server.origin}/health/ready`)).status).toBe(503);
  });
});
