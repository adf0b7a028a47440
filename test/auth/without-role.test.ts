import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRawWebSocket } from '../support/raw-web-socket.ts';
import { startIssuer } from '../support/start-issuer.ts';
import { startTestServer, type TestServer } from '../support/start-test-server.ts';

let issuer: Awaited<ReturnType<typeof startIssuer>>;
let server: TestServer;
let tokens: string[];

beforeAll(async () => {
  issuer = await startIssuer();
  server = await startTestServer({ environment: issuer.environment });
  tokens = await Promise.all(
    [[], ['billing-viewer'], ['admın'], [['ADMIN']], [null], [{ name: 'ADMIN' }]].map((roles) =>
      issuer.sign({ sub: 'outsider', roles }),
    ),
  );
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await issuer[Symbol.asyncDispose]();
});

const json = 'application/json';
const rpc = (method: string, params: object) =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
const mcp = (method: string, params: object): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': json, accept: `${json}, text/event-stream` },
  body: rpc(method, params),
});
const graphql = (query: string, accept = json): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': json, accept },
  body: JSON.stringify({ query }),
});

/** Every door over HTTP. `proxied`: as from another machine, where this one may come in without a key. */
const doors: [string, string, RequestInit][] = [
  ['a query', '/graphql', graphql('{ viewer { userId } }')],
  ['introspection', '/graphql', graphql('{ __schema { queryType { name } } }')],
  [
    'a subscription over SSE',
    '/graphql',
    graphql(
      'subscription { completion(input: { prompt: { text: "hi" } }) { cursor } }',
      'text/event-stream',
    ),
  ],
  ['GraphiQL', '/graphql', { headers: { accept: 'text/html', 'x-forwarded-for': '203.0.113.7' } }],
  ['MCP tools', '/mcp', mcp('tools/list', {})],
  [
    'an MCP tool',
    '/mcp',
    mcp('tools/call', { name: 'search_knowledge', arguments: { query: 'earns' } }),
  ],
  [
    'an MCP agent',
    '/mcp',
    mcp('tools/call', { name: 'agent_researcher', arguments: { message: 'hi' } }),
  ],
  [
    'an MCP prompt',
    '/mcp',
    mcp('prompts/get', { name: 'summarization', arguments: { text: 'x' } }),
  ],
  ['the usage export', '/export/usage', {}],
  ['metrics', '/metrics', { headers: { 'x-forwarded-for': '203.0.113.7' } }],
];

describe('a token without a role of this server', () => {
  test.each(doors)('is refused with 403 for %s', async (_, path, init) => {
    for (const token of tokens) {
      const headers = { ...init.headers, authorization: `Bearer ${token}` };
      const response = await fetch(server.url + path, { ...init, headers });
      expect(response.status).toBe(403);
      expect(await response.text()).toContain('FORBIDDEN');
    }
  });

  test('is refused by the WebSocket', async () => {
    using connection = await openRawWebSocket(`${server.url}/graphql`);
    void connection.init({ authorization: `Bearer ${tokens[0]}` });
    expect((await connection.closed).code).toBe(4403);
  });

  test('begins nothing and spends nothing', async () => {
    expect(await server.database.query('SELECT 1 FROM "Run"')).toEqual([]);
    expect(await server.database.query('SELECT 1 FROM "UsageRecord"')).toEqual([]);
  });

  test('says what is missing', async () => {
    const { errors } = await server.execute('{ viewer { userId } }', {}, { as: tokens[1]! });
    expect(errors?.[0]?.message).toContain('put one of ADMIN, OPERATOR');
  });
});

test('a token that claims no roles at all is a user’s', async () => {
  const token = await issuer.sign({ sub: 'ada' });
  expect(await server.data('{ viewer { roles } }', {}, { as: token })).toEqual({
    viewer: { roles: ['USER'] },
  });
});
