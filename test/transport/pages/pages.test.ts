import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
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

const admin = { userId: 'admin', groups: [], roles: ['ADMIN'], apiKeyId: null } as const;
/** As a reverse proxy on this machine would send it. */
const proxied = { 'x-forwarded-for': '203.0.113.7' };

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(server.origin + path, { headers, redirect: 'manual' });
const login = (secret: string, headers = {}) => get(`/login?once=${secret}`, headers);

async function cookieOf(): Promise<string> {
  const { headers } = await login(await server.auth.createLoginLink(admin));
  return headers.get('set-cookie')?.split(';')[0] ?? '';
}

describe('the one-time link', () => {
  test('signs one browser in and goes on to GraphiQL', async () => {
    const secret = await server.auth.createLoginLink(admin);
    const response = await login(secret);
    expect(response.status).toBe(303);
    expect(response.headers.get('location')).toBe('/graphql');
    const cookie = response.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(
      /^tessera_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Expires=/,
    );
    expect(cookie).not.toContain('Secure');
    const again = await login(secret);
    expect(again.status).toBe(401);
    expect(again.headers.get('set-cookie')).toBeNull();
    expect(await again.text()).not.toContain(secret);
  });

  test('gives a cookie for https only, where that is spoken', async () => {
    const secret = await server.auth.createLoginLink(admin);
    const response = await login(secret, { 'x-forwarded-proto': 'https' });
    expect(response.headers.get('set-cookie')).toMatch(/; Secure$/);
  });

  test('is not used up by a request that cannot use it', async () => {
    const secret = await server.auth.createLoginLink(admin);
    const head = await fetch(`${server.origin}/login?once=${secret}`, { method: 'HEAD' });
    expect(head.status).toBe(405);
    expect((await get('/login')).status).toBe(401);
    expect((await login(secret)).status).toBe(303);
  });
});

describe('GraphiQL', () => {
  const html = { accept: 'text/html' };

  test('comes whole, without a script from elsewhere, and cannot be framed', async () => {
    const response = await get('/graphql', html);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    const page = await response.text();
    expect(page).toContain('YogaGraphiQL.renderYogaGraphiQL');
    expect(page).not.toMatch(/<script[^>]+src=/);
    expect((await get('/')).headers.get('location')).toBe('/graphql');
  });

  test('is for this machine and for whoever is signed in', async () => {
    const stranger = await get('/graphql', { ...html, ...proxied });
    expect(stranger.status).toBe(401);
    expect(await stranger.text()).toContain('Sign in first');
    const cookie = await cookieOf();
    expect((await get('/graphql', { ...html, ...proxied, cookie })).status).toBe(200);
  });
});

describe('metrics', () => {
  test('are for this machine and for admins', async () => {
    expect(await (await get('/metrics')).text()).toContain('# TYPE');
    expect((await get('/metrics', proxied)).status).toBe(403);
    const { secret } = await server.auth.createApiKey({ name: 'a', userId: 'u', roles: ['USER'] });
    const user = { ...proxied, authorization: `Bearer ${secret}` };
    expect((await get('/metrics', user)).status).toBe(403);
    const key = { ...proxied, authorization: 'Bearer admin' };
    expect((await get('/metrics', key)).status).toBe(200);
  });
});

test.each([
  ['that adds headers', 'GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Real-IP: 203.0.113.7'],
  ['that adds none, as nginx does', 'GET /metrics HTTP/1.0\r\nHost: 127.0.0.1:4000'],
  ['with a name of its own', 'GET /metrics HTTP/1.1\r\nHost: metrics.example'],
])('a proxy on this machine %s does not open the metrics', async (_, head) => {
  const socket = connect(server.port, '127.0.0.1');
  socket.write(`${head}\r\nConnection: close\r\n\r\n`);
  expect(await text(socket)).toMatch(/^HTTP\/1.1 403/);
});

describe('health', () => {
  test('says whether the server lives and should be sent work', async () => {
    expect(await (await get('/health/live')).json()).toEqual({ status: 'live' });
    const ready = await get('/health/ready');
    expect([ready.status, await ready.json()]).toEqual([200, { status: 'ready' }]);
  });
});

test.each(['/elsewhere', '/graphql/../secret', '/constructor', '/%2e%2e/x'])(
  'there is nothing at %s',
  async (path) => {
    const response = await get(path);
    expect(response.status).toBe(404);
    expect(response.headers.get('x-request-id')).toBeTruthy();
  },
);
