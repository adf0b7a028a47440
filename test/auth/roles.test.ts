import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Role } from '../../src/kernel/access/principal.ts';
import { startTestServer, type TestServer } from '../support/start-test-server.ts';

let server: TestServer;
const keys: Partial<Record<Role, string>> = {};
let runId: string;

const COMPLETE = `mutation { complete(input: { prompt: { text: "a secret of ada" } }) {
  ... on Completion { id text } } }`;

beforeAll(async () => {
  server = await startTestServer();
  for (const role of ['OPERATOR', 'EDITOR', 'APPROVER', 'AUDITOR', 'USER'] as const) {
    keys[role] = await server.keyFor(`the-${role.toLowerCase()}`, [role]);
  }
  const as = { as: await server.keyFor('ada') };
  runId = (await server.data<{ complete: { id: string } }>(COMPLETE, {}, as)).complete.id;
});
afterAll(() => server[Symbol.asyncDispose]());

const as = (role: Role) => ({ as: keys[role]! });
const codeFor = async (role: Role, source: string, variables: object = { runId }) => {
  const { data, errors } = await server.execute<Record<string, { code?: string }>>(
    source,
    variables,
    as(role),
  );
  return errors?.[0]?.extensions?.['code'] ?? Object.values(data ?? {})[0]?.code ?? 'OK';
};

const ROW = `query ($runId: ID!) { run(id: $runId) { status userId cost model } }`;
const TEXT = `query ($runId: ID!) { run(id: $runId) { ... on Completion { text } } }`;
const FOLLOW = `subscription ($runId: ID!) { runEvents(runId: $runId) {
  __typename ... on RunFailed { error { code } } } }`;

describe('another’s run', () => {
  test('shows to operators without its content', async () => {
    expect(await server.data(ROW, { runId }, as('OPERATOR'))).toMatchObject({
      run: { status: 'SUCCEEDED', userId: 'ada', model: expect.any(String) },
    });
    expect(await codeFor('OPERATOR', TEXT)).toBe('FORBIDDEN');
    expect(await codeFor('OPERATOR', '{ costStats { requests } }')).toBe('FORBIDDEN');
  });

  test('shows to auditors whole, and its costs', async () => {
    const { run } = await server.data<{ run: { text: string } }>(TEXT, { runId }, as('AUDITOR'));
    expect(run.text).not.toBe('');
    const events = await server.subscribe(FOLLOW, { runId }, as('AUDITOR')).rest();
    expect(events.at(-1)).toMatchObject({ __typename: 'RunFinished' });
    expect(await server.data('{ costStats { requests } }', {}, as('AUDITOR'))).toEqual({
      costStats: { requests: 1 },
    });
  });

  test.each(['EDITOR', 'USER'] as const)('does not show to %s', async (role) => {
    expect(await server.data(ROW, { runId }, as(role))).toEqual({ run: null });
    const [event] = await server.subscribe<object>(FOLLOW, { runId }, as(role)).rest();
    expect(event).toMatchObject({ error: { code: 'RUN_NOT_FOUND' } });
  });

  test('is stopped by operators, and scored by nobody else', async () => {
    const cancel = `mutation ($runId: ID!) { cancelRun(id: $runId) { ... on Error { code } } }`;
    const score = `mutation ($runId: ID!) {
      scoreRun(input: { runId: $runId, name: "good", value: 1 }) { ... on Error { code } } }`;
    expect(await codeFor('OPERATOR', cancel)).toBe('CONFLICT');
    expect(await codeFor('AUDITOR', cancel)).toBe('FORBIDDEN');
    expect(await codeFor('USER', cancel)).toBe('RUN_NOT_FOUND');
    expect(await codeFor('USER', score)).toBe('RUN_NOT_FOUND');
    expect(await codeFor('AUDITOR', score)).toBe('FORBIDDEN');
  });
});

describe('an operator', () => {
  const create = (roles: Role[]) => ({ input: { name: 'app', userId: 'bob', roles } });
  const CREATE = `mutation ($input: CreateApiKeyInput!) {
    createApiKey(input: $input) { apiKey { id } } }`;
  const REVOKE = `mutation ($id: ID!) { revokeApiKey(id: $id) { __typename } }`;
  interface Created {
    createApiKey: { apiKey: { id: string } };
  }

  test('makes and revokes keys of users, and no others', async () => {
    const made = await server.data<Created>(CREATE, create(['USER']), as('OPERATOR'));
    const { id } = made.createApiKey.apiKey;
    expect(await codeFor('OPERATOR', REVOKE, { id })).toBe('OK');
    for (const role of ['ADMIN', 'OPERATOR', 'EDITOR', 'APPROVER', 'AUDITOR'] as const) {
      expect(await codeFor('OPERATOR', CREATE, create(['USER', role]))).toBe('FORBIDDEN');
      const others = await server.data<Created>(CREATE, create([role]));
      const variables = { id: others.createApiKey.apiKey.id };
      expect(await codeFor('OPERATOR', REVOKE, variables)).toBe('FORBIDDEN');
    }
  });

  test('sets budgets and reads server state, and calls no model', async () => {
    const budget = `mutation { setBudget(input: { subject: "bob", period: DAILY, limit: "1" }) { id } }`;
    expect(await codeFor('OPERATOR', budget)).toBe('OK');
    expect(await codeFor('OPERATOR', '{ serverStatus { version } }')).toBe('OK');
    expect(await codeFor('OPERATOR', COMPLETE)).toBe('FORBIDDEN');
  });
});

test('an editor ingests and reads its own ingest, and calls no model', async () => {
  const ingest = `mutation { ingestDocuments(input: {
    collection: "handbook", documents: [{ source: "a.md", text: "Roman floors." }]
  }) { ... on IngestedDocuments { created run { id status } } } }`;
  expect(await server.data(ingest, {}, as('EDITOR'))).toMatchObject({
    ingestDocuments: { created: 1, run: { status: 'SUCCEEDED' } },
  });
  expect(await codeFor('USER', ingest)).toBe('FORBIDDEN');
  expect(await codeFor('EDITOR', COMPLETE)).toBe('FORBIDDEN');
});

test('the usage export gives auditors everybody’s, users their own, and no other role any', async () => {
  const get = async (role: Role, search = '') => {
    const headers = { authorization: `Bearer ${keys[role]}` };
    const response = await fetch(`${server.url}/export/usage?format=jsonl${search}`, { headers });
    return [response.status, (await response.text()).includes('ada')];
  };
  expect(await get('AUDITOR')).toEqual([200, true]);
  expect(await get('USER')).toEqual([200, false]);
  expect(await get('USER', '&userId=ada')).toEqual([403, false]);
  for (const role of ['OPERATOR', 'EDITOR', 'APPROVER'] as const)
    expect(await get(role)).toEqual([403, false]);
});

test.each(['OPERATOR', 'EDITOR', 'APPROVER', 'AUDITOR', 'USER'] as const)(
  'MCP serves users, and no %s that is none',
  async (role) => {
    const response = await fetch(`${server.url}/mcp`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${keys[role]}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }),
    });
    expect(response.status).toBe(role === 'USER' ? 200 : 403);
    await response.text();
  },
);
