import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Auth } from '../../src/auth/auth.ts';
import { createAuth } from '../../src/auth/create-auth.ts';
import type { Database } from '../../src/data/database.ts';
import { isDomainError } from '../../src/kernel/errors.ts';
import { openTestDatabase } from '../support/test-database.ts';
import { testLog } from '../support/test-log.ts';

let database: Database;
let auth: Auth;

beforeAll(async () => {
  database = await openTestDatabase();
  auth = createAuth({ database, log: testLog });
});
afterAll(async () => {
  await auth.close();
  await database.close();
});

/** Whose the credentials are; null: nobody's. */
const principalOf = async (credentials: Parameters<Auth['authenticate']>[0], of = auth) => {
  const identity = await of.authenticate(credentials);
  return 'principal' in identity ? identity.principal : null;
};
const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });
const newKey = (expiresAt?: Date) =>
  auth.createApiKey({
    name: 'app',
    userId: 'ada',
    groups: ['sales'],
    roles: ['USER'],
    expiresAt: expiresAt ?? null,
  });

describe('API keys', () => {
  test('sign their user in, and only a hash of them is stored', async () => {
    const { apiKey, secret } = await newKey();
    expect(secret).toMatch(/^tsr_[\w-]{43}$/);
    expect(secret.startsWith(apiKey.prefix)).toBe(true);
    expect(apiKey).not.toHaveProperty('hash');
    expect(await principalOf(bearer(secret))).toEqual({
      userId: 'ada',
      groups: ['sales'],
      roles: ['USER'],
      apiKeyId: apiKey.id,
    });
    const rows = await database.query('SELECT * FROM "ApiKey"');
    expect(JSON.stringify(rows)).not.toContain(secret);
  });

  test('are refused when unknown, malformed, too old or revoked', async () => {
    const { apiKey, secret } = await newKey();
    const old = await newKey(new Date(Date.now() - 1000));
    expect(await principalOf(bearer(`${secret}x`))).toBeNull();
    expect(await principalOf({ authorization: secret })).toBeNull();
    expect(await principalOf({ authorization: `Basic ${secret}` })).toBeNull();
    expect(await principalOf(bearer('x'.repeat(20_000)))).toBeNull();
    expect(await principalOf(bearer(old.secret))).toBeNull();
    expect(await principalOf({})).toBeNull();
    const revoked = await auth.revokeApiKey(apiKey.id);
    expect(revoked.revokedAt).toBeInstanceOf(Date);
    expect(await principalOf(bearer(secret))).toBeNull();
    expect((await auth.revokeApiKey(apiKey.id)).revokedAt).toEqual(revoked.revokedAt);
  });

  test('are listed newest first, page by page, revoked ones too', async () => {
    const userId = 'lister';
    const made = [];
    for (const name of ['first', 'second', 'third'])
      made.push((await auth.createApiKey({ name, userId, roles: ['USER'] })).apiKey);
    await auth.revokeApiKey(made[1]!.id);
    const page = await auth.apiKeys({ userId, first: 2 });
    expect(page.edges.map(({ node }) => node.name)).toEqual(['third', 'second']);
    expect(page.edges[1]?.node.revokedAt).toBeInstanceOf(Date);
    expect(page.edges[0]?.node).not.toHaveProperty('hash');
    const rest = await auth.apiKeys({ userId, first: 2, after: page.edges[1]!.cursor });
    expect(rest).toMatchObject({ edges: [{ node: { name: 'first' } }], hasNextPage: false });
    const all = await auth.apiKeys({ userId: null, first: 100 });
    expect(all.edges.length).toBeGreaterThanOrEqual(3);
    await expect(auth.apiKeys({ userId, after: 'nonsense' })).rejects.toThrow('no cursor');
  });

  test('are asked for once in a tick, however many requests there are', async () => {
    const secrets = [(await newKey()).secret, (await newKey()).secret];
    const query = vi.spyOn(database, 'query');
    const principals = await Promise.all(
      Array.from({ length: 20 }, (_, index) => principalOf(bearer(secrets[index % 2] ?? ''))),
    );
    expect(principals.every((principal) => principal?.userId === 'ada')).toBe(true);
    expect(query).toHaveBeenCalledTimes(1);
    query.mockRestore();
  });

  test('know when they were last used', async () => {
    const { apiKey, secret } = await newKey();
    expect((await auth.getApiKey(apiKey.id))?.lastUsedAt).toBeNull();
    await auth.authenticate(bearer(secret));
    await auth.close();
    expect((await auth.getApiKey(apiKey.id))?.lastUsedAt).toBeInstanceOf(Date);
  });

  test('that do not exist cannot be revoked', async () => {
    const error = await auth.revokeApiKey('01890000-0000-7000-8000-000000000000').catch((e) => e);
    expect(isDomainError(error, 'NOT_FOUND')).toBe(true);
  });

  test('reject, and do not refuse, while the database is away', async () => {
    const query = vi.spyOn(database, 'query').mockRejectedValue(new Error('away'));
    await expect(auth.authenticate(bearer('tsr_anything'))).rejects.toThrow('away');
    query.mockRestore();
  });
});

describe('the first admin key', () => {
  test('is made once, also by servers that start together', async () => {
    const servers = Array.from({ length: 4 }, () => createAuth({ database, log: testLog }));
    const secrets = await Promise.all(servers.map((server) => server.ensureAdminKey()));
    const made = secrets.filter((secret) => secret !== null);
    expect(made).toHaveLength(1);
    const admin = await principalOf(bearer(made[0] ?? ''));
    expect(admin).toMatchObject({ userId: 'admin', roles: ['ADMIN', 'USER'] });
  });

  test('is not made where one is fixed', async () => {
    const fixed = createAuth({ database, adminKey: 'the-fixed-one', log: testLog });
    expect(await fixed.ensureAdminKey()).toBeNull();
    expect(await principalOf(bearer('the-fixed-one'), fixed)).toEqual({
      userId: 'admin',
      groups: [],
      roles: ['ADMIN', 'USER'],
      apiKeyId: null,
    });
    expect(await principalOf(bearer('the-fixed-onf'), fixed)).toBeNull();
    expect(await principalOf(bearer('the-fixed-one'))).toBeNull();
  });
});

describe('the one-time link', () => {
  const admin = {
    userId: 'admin',
    groups: ['staff'],
    roles: ['ADMIN'],
    apiKeyId: null,
  } as const;

  test('is traded for a session once', async () => {
    const link = await auth.createLoginLink(admin);
    const traded = await auth.redeemLoginLink(link);
    expect(traded?.expiresAt.getTime()).toBeGreaterThan(Date.now());
    expect(await auth.redeemLoginLink(link)).toBeNull();
    const session = traded?.session ?? '';
    expect(await principalOf({ session })).toEqual({ ...admin, sessionId: expect.any(String) });
    expect(await principalOf({ session: `${session}x` })).toBeNull();
    expect(await principalOf({ session: link })).toBeNull();
  });

  test('gives a session that every server knows', async () => {
    const traded = await auth.redeemLoginLink(await auth.createLoginLink(admin));
    const other = createAuth({ database, log: testLog });
    expect(await principalOf({ session: traded?.session ?? '' }, other)).toMatchObject(admin);
  });

  test('is of no use after 15 minutes', async () => {
    const link = await auth.createLoginLink(admin);
    vi.useFakeTimers({ now: Date.now() + 16 * 60_000, toFake: ['Date'] });
    expect(await auth.redeemLoginLink(link)).toBeNull();
    vi.useRealTimers();
  });

  test('does not help a wrong key', async () => {
    const traded = await auth.redeemLoginLink(await auth.createLoginLink(admin));
    const credentials = { ...bearer('tsr_wrong'), session: traded?.session ?? '' };
    expect(await principalOf(credentials)).toBeNull();
  });
});
