import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../support/start-test-server.ts';

let server: TestServer;
const keys: Record<string, string> = {};
const secret = 'Zebrafish';

const INGEST = `mutation ($input: IngestDocumentsInput!) { ingestDocuments(input: $input) {
  ... on IngestedDocuments { created updated unchanged rejected { source issues { path message } } documents { id source readers } }
  ... on Error { code message } } }`;
const UPDATE = `mutation ($input: UpdateCollectionInput!) { updateCollection(input: $input) {
  ... on Collection { name readers writers } ... on Error { code message } } }`;
const SEARCH = `query ($input: SearchInput!) { search(input: $input) { source content } }`;

beforeAll(async () => {
  server = await startTestServer();
  keys['eva'] = await server.keyFor('eva', ['EDITOR']);
  keys['sam'] = await server.keyFor('sam', ['USER'], ['sales']);
  keys['hank'] = await server.keyFor('hank', ['USER'], ['hr']);
  keys['ed'] = await server.keyFor('ed', ['EDITOR', 'USER'], ['hr']);
  keys['admin'] = server.adminKey;
  await ingest('eva', { collection: 'deals', readers: ['group:sales'] });
  await ingest('eva', { collection: 'hr-salaries', readers: ['group:hr', 'user:nobody'] });
});
afterAll(() => server[Symbol.asyncDispose]());

const documentsOf = (collection: string) => [
  { source: `${collection}/one.md`, text: `${secret} of ${collection}. It earns 100000 a year.` },
  { source: `${collection}/two.md`, text: `Nothing much about ${collection}, one year.` },
];

const as = (user: string) => ({ as: keys[user]! });

async function ingest(
  user: string,
  input: { collection: string; readers?: string[]; documents?: object[] },
) {
  const documents = documentsOf(input.collection);
  const { ingestDocuments } = await server.data<{ ingestDocuments: Ingested }>(
    INGEST,
    { input: { documents, ...input } },
    as(user),
  );
  return ingestDocuments;
}

interface Ingested {
  created: number;
  updated: number;
  unchanged: number;
  documents: { id: string; source: string; readers: string[] | null }[];
  rejected: { source: string; issues: { path: string[]; message: string }[] }[];
}

interface Hit {
  source: string;
  content: string;
}

const search = (user: string, input: object = {}) =>
  server.execute<{ search: Hit[] }>(SEARCH, { input: { query: secret, ...input } }, as(user));

const codeOf = (answer: { errors?: { extensions?: Record<string, unknown> }[] }): unknown =>
  answer.errors?.[0]?.extensions?.['code'];

describe('a collection', () => {
  test('is readable by its maker and by those its first ingest names', async () => {
    const { collections } = await server.data<{ collections: object[] }>(
      '{ collections { name readers writers } }',
    );
    expect(collections).toContainEqual({
      name: 'deals',
      readers: ['user:eva', 'group:sales'],
      writers: [],
    });
    for (const user of ['eva', 'sam', 'admin'])
      expect((await search(user, { collection: 'deals' })).data?.search[0]?.content).toContain(
        secret,
      );
  });

  test('is nobody else’s when its first ingest names nobody', async () => {
    await ingest('admin', { collection: 'own' });
    for (const user of ['sam', 'hank', 'ed'])
      expect(codeOf(await search(user, { collection: 'own' }))).toBe('COLLECTION_NOT_FOUND');
  });

  test('takes no reader that is no name', async () => {
    for (const reader of ['hank', 'users:hank', 'user:', 'group: hr', '**', ''])
      for (const [query, input] of [
        [UPDATE, { name: 'deals', readers: [reader] }],
        [UPDATE, { name: 'deals', writers: [reader] }],
        [INGEST, { collection: 'new', readers: [reader], documents: documentsOf('new') }],
      ] as const)
        expect(codeOf(await server.execute(query, { input })), reader).toBe('BAD_USER_INPUT');
  });

  test('later ingests leave its readers as they are', async () => {
    await ingest('eva', { collection: 'deals', readers: ['*'] });
    expect(codeOf(await search('hank', { collection: 'deals' }))).toBe('COLLECTION_NOT_FOUND');
  });
});

describe('who is no reader finds nothing', () => {
  const modes = ['HYBRID', 'KEYWORD', 'SEMANTIC'];
  test.each(modes)('by a search of the collection (%s), as if there were none', async (mode) => {
    const answer = await search('hank', { collection: 'deals', mode });
    const missing = await search('hank', { collection: 'missing', mode });
    expect(codeOf(answer)).toBe('COLLECTION_NOT_FOUND');
    expect(JSON.stringify(answer)).not.toContain(secret);
    const message = answer.errors?.[0]?.message.replace('"deals"', '"missing"');
    expect(message).toBe(missing.errors?.[0]?.message);
    expect(message).not.toContain('own');
  });

  test('by a search without a collection, which has their own only', async () => {
    const found = await search('hank');
    expect(found.data?.search.map(({ source }) => source)).toEqual([
      'hr-salaries/one.md',
      'hr-salaries/two.md',
    ]);
  });

  test('by asking', async () => {
    const ask = (user: string, collection: string) =>
      server.data<{ ask: { text?: string; code?: string; sources?: Hit[] } }>(
        `mutation ($input: AskInput!) { ask(input: $input) {
          ... on Answer { text sources { content } citations { citedText } } ... on Error { code } } }`,
        { input: { question: `What does the ${secret} earn?`, collection } },
        as(user),
      );
    expect((await ask('hank', 'deals')).ask.code).toBe('COLLECTION_NOT_FOUND');
    expect((await ask('sam', 'deals')).ask.sources?.[0]?.content).toContain(secret);
  });

  test('in lists, by id and by cursor', async () => {
    const page = `query ($collection: String, $after: String) { documents(collection: $collection, first: 1, after: $after) {
      edges { node { id source } cursor } } }`;
    type Page = {
      documents: { edges: { node: { id: string; source: string }; cursor: string }[] };
    };
    const [own] = (await server.data<Page>(page, { collection: 'deals' }, as('sam'))).documents
      .edges;
    expect(own?.node.source).toBe('deals/one.md');
    const others = { collection: 'deals', after: own!.cursor };
    expect((await server.data<Page>(page, others, as('hank'))).documents.edges).toEqual([]);
    const all = await server.data<{ documents: { edges: { node: { collection: string } }[] } }>(
      '{ documents(first: 100) { edges { node { collection } } } }',
      {},
      as('hank'),
    );
    const collections = all.documents.edges.map(({ node }) => node.collection);
    expect(new Set(collections)).toEqual(new Set(['hr-salaries']));
    const node = 'query ($id: ID!) { node(id: $id) { id } }';
    expect(await server.data(node, { id: own!.node.id }, as('hank'))).toEqual({ node: null });
    expect(await server.data(node, { id: own!.node.id }, as('sam'))).toEqual({
      node: { id: own!.node.id },
    });
    const listed = await server.data<{ collections: object[] }>(
      '{ collections { name } }',
      {},
      as('hank'),
    );
    expect(listed.collections).toEqual([{ name: 'hr-salaries' }]);
  });

  test('by an agent and over MCP', async () => {
    const run = async (user: string) => {
      server.demo.script({
        kind: 'tool_calls',
        calls: [{ name: 'search_knowledge', input: { query: secret, topK: 20 } }],
      });
      return server.data<{ runAgent: { turns: { toolCalls: { output: unknown }[] }[] } }>(
        `mutation { runAgent(input: { agent: "researcher", message: "Look." }) {
          ... on AgentRun { turns { toolCalls { output } } } } }`,
        {},
        as(user),
      );
    };
    expect(JSON.stringify(await run('sam'))).toContain('deals/one.md');
    const foundByHank = JSON.stringify(await run('hank'));
    expect(foundByHank).toContain('hr-salaries/one.md');
    expect(foundByHank).not.toContain('deals/');
    const overMcp = async (user: string, input: object): Promise<string> => {
      const client = new Client({ name: 'test', version: '1.0.0' });
      const headers = { authorization: `Bearer ${keys[user]}` };
      const url = new URL(`${server.url}/mcp`);
      await client.connect(
        new StreamableHTTPClientTransport(url, { requestInit: { headers } }) as never,
      );
      const arguments_ = { query: secret, ...input };
      const result = await client.callTool({ name: 'search_knowledge', arguments: arguments_ });
      await client.close();
      return JSON.stringify(result);
    };
    expect(await overMcp('sam', {})).toContain('earns 100000');
    expect(await overMcp('hank', { collection: 'deals' })).not.toContain('earns');
    expect(await overMcp('hank', {})).not.toContain('deals/');
  });
});

describe('who writes', () => {
  test('editors, where no writers are named, and no user', async () => {
    expect(await ingest('ed', { collection: 'deals' })).toMatchObject({ unchanged: 2 });
    const input = { collection: 'deals', documents: documentsOf('deals') };
    expect(codeOf(await server.execute(INGEST, { input }, as('sam')))).toBe('FORBIDDEN');
    const made = { collection: 'of a user', documents: documentsOf('x') };
    expect(codeOf(await server.execute(INGEST, { input: made }, as('sam')))).toBe('FORBIDDEN');
  });

  test('the named ones alone, whatever their role', async () => {
    await ingest('eva', { collection: 'notes', readers: ['*'] });
    const input = { name: 'notes', writers: ['user:sam'] };
    expect(await server.data(UPDATE, { input })).toMatchObject({
      updateCollection: { writers: ['user:sam'] },
    });
    const more = { collection: 'notes', documents: documentsOf('more') };
    expect(codeOf(await server.execute(INGEST, { input: more }, as('ed')))).toBe('FORBIDDEN');
    expect(await ingest('sam', more)).toMatchObject({ created: 2 });
    const { documents } = await ingest('sam', more);
    const remove = `mutation ($id: ID!) { deleteDocument(id: $id) { ... on Document { source } ... on Error { code } } }`;
    const id = documents[0]!.id;
    expect(codeOf(await server.execute(remove, { id }, as('hank')))).toBe('FORBIDDEN');
    expect(await server.data(remove, { id }, as('sam'))).toMatchObject({
      deleteDocument: { source: 'more/one.md' },
    });
    const settings = { name: 'notes', readers: ['*'] };
    expect(codeOf(await server.execute(UPDATE, { input: settings }, as('sam')))).toBe('FORBIDDEN');
    expect(codeOf(await server.execute(UPDATE, { input: settings }, as('ed')))).toBe('FORBIDDEN');
  });

  test('an editor who may not read a collection makes itself no reader and deletes nothing', async () => {
    const input = { name: 'deals', readers: ['*'] };
    expect(await server.data(UPDATE, { input }, as('ed'))).toMatchObject({
      updateCollection: { code: 'COLLECTION_NOT_FOUND' },
    });
    const remove = 'mutation { deleteCollection(name: "deals") { ... on Error { code } } }';
    expect(await server.data(remove, {}, as('ed'))).toEqual({
      deleteCollection: { code: 'COLLECTION_NOT_FOUND' },
    });
  });
});

test('the scopes of a key bound what it reads and writes, an admin’s too', async () => {
  const { createApiKey } = await server.data<{ createApiKey: { secret: string } }>(
    `mutation { createApiKey(input: { name: "narrow", userId: "eve", roles: [ADMIN, USER], scopes: { collections: ["hr-*", "made"] } }) { secret } }`,
  );
  keys['eve'] = createApiKey.secret;
  expect((await search('eve', { collection: 'hr-salaries' })).data?.search).toHaveLength(2);
  expect(codeOf(await search('eve', { collection: 'deals' }))).toBe('COLLECTION_NOT_FOUND');
  const listed = await server.data<{ collections: { name: string }[] }>(
    '{ collections { name } documents(first: 100) { edges { node { collection } } } }',
    {},
    as('eve'),
  );
  expect(JSON.stringify(listed)).not.toContain('deals');
  server.demo.script({
    kind: 'tool_calls',
    calls: [{ name: 'search_knowledge', input: { query: secret, topK: 20 } }],
  });
  const run = await server.data(
    `mutation { runAgent(input: { agent: "researcher", message: "Look." }) {
      ... on AgentRun { turns { toolCalls { output } } } } }`,
    {},
    as('eve'),
  );
  expect(JSON.stringify(run)).toContain('hr-salaries/one.md');
  expect(JSON.stringify(run)).not.toContain('deals/');
  expect(await ingest('eve', { collection: 'made' })).toMatchObject({ created: 2 });
  const input = { collection: 'deals', documents: documentsOf('deals') };
  expect(codeOf(await server.execute(INGEST, { input }, as('eve')))).toBe('FORBIDDEN');
});

test('an admin is told why a user finds nothing', async () => {
  const access = (variables: object, options?: { as: string }) =>
    server.execute<{ collectionAccess: { collection: string }[] }>(
      `query ($user: String!, $groups: [String!]) { collectionAccess(userId: $user, groups: $groups) {
        collection mayRead reason documents readableDocuments } }`,
      variables,
      options,
    );
  const { data } = await access({ user: 'hank', groups: ['hr'] });
  const named = (name: string) =>
    data?.collectionAccess.find(({ collection }) => collection === name);
  expect(named('deals')).toEqual({
    collection: 'deals',
    mayRead: false,
    reason:
      'It is read by only user:eva, group:sales: add user:hank or group:hr with updateCollection(readers).',
    documents: 2,
    readableDocuments: 0,
  });
  expect(named('hr-salaries')).toMatchObject({ mayRead: true, reason: 'It is read as group:hr.' });
  expect(codeOf(await access({ user: 'sam' }, as('eva')))).toBe('FORBIDDEN');
});
