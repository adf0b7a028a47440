import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRawWebSocket } from '../support/raw-web-socket.ts';
import { startIssuer } from '../support/start-issuer.ts';
import { startTestServer, type TestServer } from '../support/start-test-server.ts';

let issuer: Awaited<ReturnType<typeof startIssuer>>;
let server: TestServer;
beforeAll(async () => {
  issuer = await startIssuer();
  server = await startTestServer({
    environment: { ...issuer.environment, TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/8' },
  });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await issuer[Symbol.asyncDispose]();
});

interface Entry {
  actor: string | null;
  apiKeyId: string | null;
  address: string | null;
  action: string;
  subject: string | null;
  detail: Record<string, unknown> | null;
  requestId: string;
  at: string;
}

const LOG = `query ($filter: AuditFilter, $first: Int, $after: String) {
  auditLog(filter: $filter, first: $first, after: $after) {
    edges { cursor node { id at actor apiKeyId address action subject detail requestId } }
    pageInfo { hasNextPage } } }`;

async function entries(filter: object = {}): Promise<Entry[]> {
  const { auditLog } = await server.data<{ auditLog: { edges: { node: Entry }[] } }>(LOG, {
    filter,
    first: 100,
  });
  return auditLog.edges.map(({ node }) => node);
}
const newest = async (action: string): Promise<Entry | undefined> => (await entries({ action }))[0];

const CREATE = `mutation ($input: CreateApiKeyInput!) {
  createApiKey(input: $input) { secret apiKey { id } } }`;

describe('an administrative action', () => {
  test('is recorded with actor, key, address, subject, arguments and request, without the secret', async () => {
    const operator = await server.keyFor('oscar', ['OPERATOR']);
    const input = { name: 'app', userId: 'bob', roles: ['USER'], scopes: { models: ['x'] } };
    const { data } = await server.execute<{
      createApiKey: { secret: string; apiKey: { id: string } };
    }>(
      CREATE,
      { input },
      { as: operator, headers: { 'x-request-id': 'r-7', 'x-forwarded-for': '203.0.113.9' } },
    );
    const { secret, apiKey } = data!.createApiKey;
    const entry = await newest('createApiKey');
    expect(entry).toMatchObject({
      actor: 'oscar',
      apiKeyId: expect.any(String),
      address: '203.0.113.9',
      subject: apiKey.id,
      detail: { name: 'app', userId: 'bob', roles: ['USER'], scopes: { models: ['x'] } },
      requestId: 'r-7',
    });
    expect(JSON.stringify(entry)).not.toContain(secret);
    await server.data('mutation ($id: ID!) { revokeApiKey(id: $id) { __typename } }', apiKey);
    expect(await newest('revokeApiKey')).toMatchObject({
      actor: 'admin',
      apiKeyId: null,
      subject: apiKey.id,
      detail: { stopRuns: true },
    });
  });

  test('is recorded with its outcome when it failed', async () => {
    const id = Buffer.from('ApiKey:01890000-0000-7000-8000-000000000000').toString('base64url');
    await server.data('mutation ($id: ID!) { revokeApiKey(id: $id) { __typename } }', { id });
    expect(await newest('revokeApiKey')).toMatchObject({
      subject: id,
      detail: { outcome: 'NOT_FOUND' },
    });
  });

  test('is recorded whatever door it comes by, and without content', async () => {
    const template = 'A SECRET WORDING {{ text }}';
    await server.data(
      `mutation ($template: String!) { createPromptVersion(input: {
         prompt: "summarization", template: $template, notes: "SECRET NOTES" }) { __typename } }`,
      { template },
    );
    await server.data(
      `mutation { ingestDocuments(input: { collection: "hr", documents: [
         { source: "a.md", text: "SECRET TEXT" }] }) { __typename } }`,
    );
    const ingest = `subscription { ingest(input: { collection: "hr", documents: [
      { source: "b.md", text: "SECRET TEXT" }] }) { __typename } }`;
    await server.subscribe(ingest).rest();
    const recorded = await entries();
    expect(recorded[0]).toMatchObject({
      action: 'ingest',
      subject: 'hr',
      detail: { documents: 1 },
    });
    expect(recorded[1]).toMatchObject({ action: 'ingestDocuments', subject: 'hr' });
    expect(recorded[2]).toMatchObject({ action: 'createPromptVersion', subject: 'summarization' });
    expect(JSON.stringify(recorded)).not.toContain('SECRET');
  });

  test('of stopping another’s run is one, of one’s own is none', async () => {
    const ada = await server.keyFor('ada');
    const COMPLETE = `mutation { complete(input: { prompt: { text: "x" } }) { ... on Completion { id } } }`;
    const { complete } = await server.data<{ complete: { id: string } }>(COMPLETE, {}, { as: ada });
    const cancel = 'mutation ($id: ID!) { cancelRun(id: $id) { __typename } }';
    await server.data(cancel, complete, { as: ada });
    expect(await newest('cancelRun')).toBeUndefined();
  });
});

describe('entries', () => {
  test('cannot be changed or deleted, by any statement', async () => {
    for (const sql of [
      `UPDATE "AuditEntry" SET actor = 'nobody'`,
      'DELETE FROM "AuditEntry"',
      'TRUNCATE "AuditEntry"',
    ]) {
      await expect(server.database.query(sql)).rejects.toThrow('neither changed nor deleted');
    }
    expect((await entries()).length).toBeGreaterThan(3);
  });

  test('are listed newest first, page by page, by actor, action and time', async () => {
    type Page = {
      auditLog: { edges: { cursor: string; node: Entry }[]; pageInfo: { hasNextPage: boolean } };
    };
    const all = await entries();
    const first = (await server.data<Page>(LOG, { first: 2 })).auditLog;
    expect(first.pageInfo.hasNextPage).toBe(true);
    const after = first.edges.at(-1)!.cursor;
    const second = (await server.data<Page>(LOG, { first: 2, after })).auditLog;
    const seen = [...first.edges, ...second.edges].map(({ node }) => node);
    expect(seen).toEqual(all.slice(0, 4));
    expect((await entries({ actor: 'oscar' })).every(({ actor }) => actor === 'oscar')).toBe(true);
    const { at } = all[1]!;
    expect((await entries({ after: at })).map((entry) => entry.at)).toContain(at);
    expect((await entries({ before: at })).map((entry) => entry.at)).not.toContain(at);
  });

  test('are for auditors and admins, by list, by node and by export', async () => {
    const asOf = async (role: 'AUDITOR' | 'OPERATOR' | 'USER') => {
      const as = await server.keyFor(`a-${role}`, [role]);
      const { errors } = await server.execute(LOG, {}, { as });
      const response = await fetch(`${server.url}/export/audit`, {
        headers: { authorization: `Bearer ${as}` },
      });
      await response.text();
      return [errors?.[0]?.extensions?.['code'] ?? 'OK', response.status];
    };
    expect(await asOf('AUDITOR')).toEqual(['OK', 200]);
    expect(await asOf('OPERATOR')).toEqual(['FORBIDDEN', 403]);
    expect(await asOf('USER')).toEqual(['FORBIDDEN', 403]);
  });

  test('are exported as JSON lines, oldest first', async () => {
    const response = await fetch(`${server.url}/export/audit?action=createApiKey`, {
      headers: { authorization: `Bearer ${server.adminKey}` },
    });
    expect(response.headers.get('content-type')).toContain('ndjson');
    const lines = (await response.text())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Entry);
    expect(lines.every(({ action }) => action === 'createApiKey')).toBe(true);
    expect(lines.map(({ at }) => at)).toEqual(lines.map(({ at }) => at).sort());
  });
});

/** The status of a request with this key, as from an address behind a trusted proxy. */
const statusOf = async (authorization: string, address: string) => {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${authorization}`,
      'x-forwarded-for': address,
    },
    body: '{"query":"{ viewer { userId } }"}',
  });
  await response.text();
  return response.status;
};
const failuresFrom = async (address: string) =>
  (await entries({ action: 'signInFailed' })).filter((entry) => entry.address === address);

describe('a failed sign-in', () => {
  test('is recorded with its address and why, and with what it is recognised by', async () => {
    expect(await statusOf('tsr_abcdefghXYZ', '198.51.100.1')).toBe(401);
    await expect
      .poll(() => failuresFrom('198.51.100.1'))
      .toMatchObject([{ actor: null, subject: 'tsr_abcdefgh', detail: { reason: 'unknown' } }]);
    expect(await statusOf(await issuer.sign({ sub: 'ada' }, '-1m'), '198.51.100.2')).toBe(401);
    await expect
      .poll(() => failuresFrom('198.51.100.2'))
      .toMatchObject([{ subject: null, detail: { reason: 'expired' } }]);
    using socket = await openRawWebSocket(`${server.url}/graphql`, {
      headers: { 'x-forwarded-for': '198.51.100.3' },
    });
    void socket.init({ authorization: 'Bearer almost-the-admin-key' });
    expect((await socket.closed).code).toBe(4403);
    await expect.poll(() => failuresFrom('198.51.100.3')).toHaveLength(1);
    expect(JSON.stringify(await entries())).not.toContain('almost-the-admin');
  });

  test('says what is wrong with what was good once', async () => {
    const messageFor = async (as: string) =>
      (await server.execute('{ viewer { userId } }', {}, { as })).errors?.[0];
    const expired = await messageFor(await issuer.sign({ sub: 'ada' }, '-1m'));
    expect(expired).toMatchObject({
      message: expect.stringContaining('has expired'),
      extensions: { code: 'UNAUTHENTICATED', reason: 'expired' },
    });
    const foreign = await messageFor(await issuer.sign({ sub: 'ada', aud: 'another-app' }));
    expect(foreign?.message).toContain('another application');
    const { auth } = server.running.services;
    const { apiKey, secret } = await auth.createApiKey({ name: 'a', userId: 'a', roles: ['USER'] });
    await auth.revokeApiKey(apiKey.id);
    expect((await messageFor(secret))?.message).toContain('was revoked');
  });

  test('throttles its address, and nobody else', async () => {
    const known = await server.keyFor('ada');
    expect(await statusOf(known, '198.51.100.7')).toBe(200);
    const wave = (name: string) =>
      Promise.all(
        Array.from({ length: 60 }, (_, at) => statusOf(`tsr_${name}-${at}`, '198.51.100.7')),
      );
    await wave('first');
    expect(await wave('second')).toContain(429);
    // A key that was good a while ago is not held up, nor is another address.
    expect(await statusOf(known, '198.51.100.7')).toBe(200);
    expect(await statusOf('tsr_other', '198.51.100.8')).toBe(401);
    const recorded = await failuresFrom('198.51.100.7');
    expect(recorded.length).toBeGreaterThan(20);
    expect(recorded.length).toBeLessThan(60);
    // A new key is heard again a moment later.
    const fresh = await server.keyFor('new');
    await expect.poll(() => statusOf(fresh, '198.51.100.7')).toBe(200);
  });

  test('throttles the key that is being guessed, from however many addresses', async () => {
    const guesses = Array.from({ length: 40 }, (_, at) =>
      statusOf(`tsr_guessedX${at}`, `198.51.101.${at}`),
    );
    await Promise.all(guesses);
    const again = Array.from({ length: 20 }, (_, at) =>
      statusOf(`tsr_guessedX-${at}`, `198.51.102.${at}`),
    );
    expect(await Promise.all(again)).toContain(429);
  });
});

describe('the address', () => {
  test.each([
    ['the last that is no trusted proxy’s', '203.0.113.1, 203.0.113.5, 10.1.2.3', '203.0.113.5'],
    ['not what a client made up', '127.0.0.1, 203.0.113.5', '203.0.113.5'],
    ['IPv6, in brackets and with a port', '[2001:db8::7]:4711', '2001:db8::7'],
    ['that of the proxy where there is no other', 'nonsense', '127.0.0.1'],
  ])('is %s', async (_, header, address) => {
    expect(await statusOf('tsr_nobody', header)).toBe(401);
    await expect.poll(async () => (await failuresFrom(address)).length).toBeGreaterThan(0);
  });

  test('is the socket’s, where no proxy is trusted', async () => {
    await using open = await startTestServer();
    const { port } = new URL(open.url);
    const socket = connect(Number(port), '127.0.0.1');
    const body = '{"query":"{ viewer { userId } }"}';
    socket.write(
      `POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer x\r\n` +
        `X-Forwarded-For: 203.0.113.1\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    expect(await text(socket)).toMatch(/^HTTP\/1.1 401/);
    const rows = () => open.database.query('SELECT address FROM "AuditEntry"');
    await expect.poll(rows).toEqual([{ address: '127.0.0.1' }]);
  });
});
