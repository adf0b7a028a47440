import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAuth } from '../../src/auth/create-auth.ts';
import { startTestServer, type TestServer } from '../support/start-test-server.ts';
import { testLog } from '../support/test-log.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const form = (key: string, headers: Record<string, string> = {}) =>
  fetch(`${server.url}/login`, {
    method: 'POST',
    redirect: 'manual',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      origin: server.url,
      ...headers,
    },
    body: new URLSearchParams({ key }).toString(),
  });

/** Signs a browser in by the form; resolves with its cookie. */
async function signIn(key: string): Promise<string> {
  const response = await form(key);
  expect(response.status).toBe(303);
  return response.headers.get('set-cookie')?.split(';')[0] ?? '';
}

async function ask<Data>(cookie: string, query: string, variables: object = {}) {
  const headers = { cookie, 'x-graphql-yoga-csrf': '1' };
  const answer = await server.execute<Data>(query, variables, { as: null, headers });
  return { data: answer.data, status: answer.status };
}
const VIEWER = '{ viewer { userId groups roles } }';
const statusOf = async (cookie: string) => (await ask(cookie, VIEWER)).status;

const SESSIONS = `query ($userId: String) {
  sessions(userId: $userId) { id userId method address current createdAt expiresAt } }`;
interface Sessions {
  sessions: { id: string; userId: string; method: string; current: boolean }[];
}

async function newKey(userId: string, roles: string[] = ['USER'], more: object = {}) {
  const { createApiKey } = await server.data<{
    createApiKey: { secret: string; apiKey: { id: string } };
  }>(
    `mutation ($input: CreateApiKeyInput!) {
       createApiKey(input: $input) { secret apiKey { id } } }`,
    { input: { name: 'k', userId, roles, ...more } },
  );
  return { secret: createApiKey.secret, id: createApiKey.apiKey.id };
}

describe('a key in the form', () => {
  test('signs a browser in as its holder, with the key’s groups and scopes', async () => {
    const scopes = { models: ['claude-haiku-*'] };
    const { secret } = await newKey('ada', ['USER'], { groups: ['sales'], scopes });
    const cookie = await signIn(secret);
    expect((await ask(cookie, VIEWER)).data).toEqual({
      viewer: { userId: 'ada', groups: ['sales'], roles: ['USER'] },
    });
    const opus = `mutation { complete(input: { prompt: { text: "x" }, model: "claude-opus-5-5" }) { __typename } }`;
    const refused = await server.execute(
      opus,
      {},
      {
        as: null,
        headers: { cookie, 'x-graphql-yoga-csrf': '1' },
      },
    );
    expect(refused.errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN');
  });

  test('that is wrong shows the form again, and is a failed sign-in', async () => {
    const response = await form('tsr_wrong');
    expect(response.status).toBe(401);
    expect(response.headers.get('set-cookie')).toBeNull();
    const page = await response.text();
    expect(page).toContain('<form method="post" action="/login">');
    expect(page).not.toContain('tsr_wrong');
    const failed = `SELECT 1 FROM "AuditEntry" WHERE action = 'signInFailed'`;
    await expect.poll(() => server.database.query(failed)).toHaveLength(1);
  });

  test('is taken from pages of this server only', async () => {
    for (const origin of ['https://evil.example', 'null']) {
      expect((await form(server.adminKey, { origin })).status).toBe(403);
    }
    const other = await form(server.adminKey, { 'content-type': 'text/plain' });
    expect(other.status).toBe(415);
  });

  test('leaves an entry in the audit log', async () => {
    await signIn((await newKey('carla')).secret);
    const rows = await server.database.query(
      `SELECT actor, detail FROM "AuditEntry" WHERE action = 'signIn' ORDER BY id DESC LIMIT 1`,
    );
    expect(rows).toEqual([{ actor: 'carla', detail: { method: 'KEY' } }]);
  });
});

describe('a session', () => {
  test('is listed: one’s own, for an admin everybody’s', async () => {
    const { secret } = await newKey('dora');
    const [one, two] = [await signIn(secret), await signIn(secret)];
    const own = (await ask<Sessions>(one, SESSIONS)).data!.sessions;
    expect(own).toMatchObject([
      { userId: 'dora', method: 'KEY', current: false },
      { userId: 'dora', current: true },
    ]);
    expect((await ask<Sessions>(two, SESSIONS)).data!.sessions[0]!.current).toBe(true);
    const all = await server.data<Sessions>(SESSIONS);
    expect(all.sessions.some(({ userId }) => userId === 'dora')).toBe(true);
    const other = await server.execute(SESSIONS, { userId: 'ada' }, { as: secret });
    expect(other.errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN');
  });

  test('ends by signOut, and leaves the others of its user alone', async () => {
    const { secret } = await newKey('emil');
    const [one, two] = [await signIn(secret), await signIn(secret)];
    expect((await ask(one, 'mutation { signOut }')).data).toEqual({ signOut: true });
    expect(await statusOf(one)).toBe(401);
    expect(await statusOf(two)).toBe(200);
    expect(await server.data('mutation { signOut }', {}, { as: secret })).toEqual({
      signOut: false,
    });
  });

  test('ends by endSessions: one’s own, for an admin anybody’s', async () => {
    const [fay, gus] = [await newKey('fay'), await newKey('gus')];
    const cookies = [await signIn(fay.secret), await signIn(fay.secret)];
    const of = await signIn(gus.secret);
    const END = 'mutation ($userId: String) { endSessions(userId: $userId) }';
    const foreign = await server.execute(END, { userId: 'gus' }, { as: fay.secret });
    expect(foreign.errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN');
    expect((await ask(cookies[0]!, END)).data).toEqual({ endSessions: 2 });
    expect(await Promise.all(cookies.map(statusOf))).toEqual([401, 401]);
    expect(await statusOf(of)).toBe(200);
    expect(await server.data(END, { userId: 'gus' })).toEqual({ endSessions: 1 });
    expect(await statusOf(of)).toBe(401);
  });

  test('ends with the key that it was made with: revoked, rotated or expired', async () => {
    const [first, second, third] = [await newKey('hal'), await newKey('ida'), await newKey('jon')];
    const keys = [first, second, third];
    const cookies = [];
    for (const { secret } of keys) cookies.push(await signIn(secret));
    await server.data('mutation ($id: ID!) { revokeApiKey(id: $id) { __typename } }', first);
    await server.data(
      'mutation ($id: ID!) { rotateApiKey(input: { id: $id }) { __typename } }',
      second,
    );
    const uuid = Buffer.from(third.id, 'base64url').toString().split(':')[1];
    await server.database.query(`UPDATE "ApiKey" SET "expiresAt" = now() WHERE id = $1`, [uuid]);
    expect(await Promise.all(cookies.map(statusOf))).toEqual([401, 401, 401]);
  });

  test('of the built-in admin ends when the fixed admin key is replaced', async () => {
    const cookie = await signIn(server.adminKey);
    const session = cookie.split('=')[1]!;
    const { database } = server;
    const authWith = (adminKey: string | null) => createAuth({ database, adminKey, log: testLog });
    expect(await authWith(server.adminKey).authenticate({ session })).toHaveProperty('principal');
    for (const replaced of ['another-key-of-the-admin', null]) {
      expect(await authWith(replaced).authenticate({ session })).toEqual({ failure: 'unknown' });
    }
  });

  test('of a link of the start ends with the admin’s key', async () => {
    const { pathname, search } = new URL(await server.running.loginLink());
    const response = await fetch(server.url + pathname + search, { redirect: 'manual' });
    const cookie = response.headers.get('set-cookie')!.split(';')[0]!;
    expect(await statusOf(cookie)).toBe(200);
    const key = await newKey('root', ['ADMIN']);
    await server.data('mutation ($id: ID!) { revokeApiKey(id: $id) { __typename } }', key);
    expect(await statusOf(cookie)).toBe(401);
  });
});

describe('createLoginLink', () => {
  test('signs a browser in as its maker, once, on any server', async () => {
    const { secret } = await newKey('kim');
    const { createLoginLink } = await server.data<{ createLoginLink: { path: string } }>(
      'mutation { createLoginLink { path expiresAt } }',
      {},
      { as: secret },
    );
    const follow = () => fetch(server.url + createLoginLink.path, { redirect: 'manual' });
    const first = await follow();
    const cookie = first.headers.get('set-cookie')!.split(';')[0]!;
    expect((await ask(cookie, VIEWER)).data).toMatchObject({ viewer: { userId: 'kim' } });
    const again = await follow();
    expect(again.status).toBe(401);
    const page = await again.text();
    expect(page).toContain('action="/login"');
    expect(page).toContain('tessera login');
    const headers = { cookie };
    const signedIn = await fetch(server.url + createLoginLink.path, {
      headers,
      redirect: 'manual',
    });
    expect(signedIn.status).toBe(303);
  });
});
