import { afterAll, beforeAll, expect, test } from 'vitest';
import { complete, setBudget } from '../support/money-operations.ts';
import { type MoneyServer, startMoneyServer } from '../support/start-money-server.ts';

let server: MoneyServer;
beforeAll(async () => {
  server = await startMoneyServer({ environment: { ALERT_COST_THRESHOLD: '0.00001' } });
});
afterAll(() => server[Symbol.asyncDispose]());

interface Alert {
  kind: string;
  message: string;
  userId: string;
}
const ALERTS = 'subscription { alertRaised { kind message userId } }';
const bypass = { options: { cache: 'BYPASS' } };

test('admins are told of each alert as it is raised, once, and of none from before', async () => {
  await complete(server, '[demo:words 30] before');
  const alerts = server.subscribe<Alert>(ALERTS);
  const first = alerts.take();
  // Until the subscription stands there is nothing to wait for but its first alert.
  const as = await server.keyFor('ada');
  await setBudget(server, 'ada', '0.000000000001');
  let told: Alert | null = null;
  void first.then((alert) => {
    told = alert;
  });
  for (let limit = 2; told === null && limit < 200; limit += 1) {
    await complete(server, 'refused', { ...bypass, as });
    await setBudget(server, 'ada', `0.000000000${String(limit).padStart(3, '0')}`);
  }
  expect(await first).toMatchObject({ kind: 'BUDGET_EXCEEDED', userId: 'ada' });
  await complete(server, '[demo:words 30] dear');
  let next = await alerts.take();
  while (next.kind === 'BUDGET_EXCEEDED') next = await alerts.take();
  expect(next).toMatchObject({ kind: 'HIGH_COST_REQUEST', userId: 'admin' });
  alerts.stop();
});

test('no one else may listen', async () => {
  const as = await server.keyFor('ben');
  await expect(server.subscribe<Alert>(ALERTS, {}, { as }).take()).rejects.toThrow('FORBIDDEN');
});

const get = (query: string, as: string | null = server.adminKey): Promise<Response> =>
  fetch(`${server.url}/export/usage?${query}`, {
    headers: as === null ? {} : { authorization: `Bearer ${as}` },
  });

test('the export is one line for each record, of all users for an admin, else of one', async () => {
  const as = await server.keyFor('cleo');
  const answer = await complete(server, 'of cleo', { ...bypass, as });
  const [row] = await server.database.query<{ count: number }>(
    'SELECT count(*)::int FROM "UsageRecord"',
  );
  const all = (await (await get('format=jsonl')).text()).trim().split('\n');
  expect(all).toHaveLength(row!.count);
  const own = (await (await get('format=jsonl', as)).text()).trim().split('\n');
  expect(own).toHaveLength(1);
  expect(JSON.parse(own[0]!)).toMatchObject({ userId: 'cleo', cost: answer.cost });
  const named = await (await get('format=jsonl&userId=cleo')).text();
  expect(named.trim().split('\n')).toEqual(own);
  const csv = await get('format=csv', as);
  expect(csv.headers.get('content-type')).toContain('text/csv');
  expect(csv.headers.get('content-disposition')).toContain('usage.csv');
  const lines = (await csv.text()).trimEnd().split('\r\n');
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(/^id,runId,/);
});

test('the export takes a span, and streams more than fits a piece', async () => {
  await server.database.query(
    `INSERT INTO "UsageRecord" (id, "runId", "requestId", "userId", kind, provider, model, "inputTokens",
       "outputTokens", "cacheReadTokens", "cacheWriteTokens", cost, status, "durationMs", "createdAt")
     SELECT gen_random_uuid(), gen_random_uuid(), 'r', 'dora', 'COMPLETION', 'anthropic', 'm', 1, 1, 0, 0, 0.01,
       'succeeded', 1, timestamptz '2025-01-01Z' + i * interval '1 minute' FROM generate_series(0, 1999) i`,
  );
  const count = async (query: string): Promise<number> =>
    (await (await get(`format=jsonl&userId=dora&${query}`)).text()).split('\n').length - 1;
  expect(await count('')).toBe(2_000);
  expect(await count('from=2025-01-01T01:00:00Z&to=2025-01-01T02:00:00Z')).toBe(60);
  expect(await count('to=2025-01-01')).toBe(0);
});

test.each([
  ['format=xml', 400, 'BAD_USER_INPUT'],
  ['from=yesterday', 400, 'BAD_USER_INPUT'],
  ['user=ada', 400, 'BAD_USER_INPUT'],
])('%s is refused', async (query, status, code) => {
  const response = await get(query);
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({ code });
});

test('without a key, or for another user, nothing is given', async () => {
  expect((await get('', null)).status).toBe(401);
  const response = await get('userId=ada', await server.keyFor('eve'));
  expect(response.status).toBe(403);
  expect(await response.text()).not.toContain('ada,');
  const post = await fetch(`${server.url}/export/usage`, { method: 'POST' });
  expect(post.status).toBe(405);
});
