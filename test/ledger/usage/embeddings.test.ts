import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Decimal } from 'decimal.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ASK, type Outcome, runAgent, setBudget } from '../support/money-operations.ts';
import { type MoneyServer, startMoneyServer } from '../support/start-money-server.ts';

/** Bills ten tokens for each text, as a hosted embedder would by its own count. */
const tokensEach = 10;
let embedder: Server;
let billedTokens = 0;
let refuseAfter = Number.POSITIVE_INFINITY;
let server: MoneyServer;

beforeAll(async () => {
  embedder = createServer(async (request, response) => {
    let text = '';
    for await (const part of request) text += part;
    const { input } = JSON.parse(text) as { input: string[] };
    refuseAfter -= 1;
    if (refuseAfter < 0) return void response.writeHead(401).end();
    billedTokens += input.length * tokensEach;
    const embedding = [1, 0, 0, 0, 0, 0, 0, 0];
    const data = input.map((_, index) => ({ index, embedding }));
    const usage = { total_tokens: input.length * tokensEach };
    response.end(JSON.stringify({ data, usage }));
  });
  await new Promise<void>((resolve) => embedder.listen(0, '127.0.0.1', resolve));
  process.env['EMBEDDER_URL'] = `http://127.0.0.1:${(embedder.address() as AddressInfo).port}`;
  server = await startMoneyServer({ environment: { TESSERA_EMBEDDER: 'voyage-4:8' } });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  embedder.close();
});

/** What was billed and what was booked since the last comparison. */
async function compare() {
  const { embeddings, ...rest } = await server.referee();
  const booked = embeddings.reduce((sum, { inputTokens }) => sum + inputTokens, 0);
  expect(booked).toBe(billedTokens);
  for (const { cost, inputTokens, model } of embeddings) {
    expect(model).toBe('voyage-4:8');
    expect(cost).toBe(new Decimal('0.06').times(inputTokens).div(1_000_000).toFixed());
  }
  billedTokens = 0;
  return { embeddings, ...rest };
}

const INGEST = `mutation ($input: IngestDocumentsInput!) { ingestDocuments(input: $input) {
  __typename ... on IngestedDocuments { created } ... on Error { code } } }`;
const documents = (count: number, text: string): object[] =>
  Array.from({ length: count }, (_, at) => ({ source: `${text}-${at}`, text: `${text} ${at}.` }));
const ingest = (documents: object[]) =>
  server.data<{ ingestDocuments: { __typename: string; code?: string } }>(INGEST, {
    input: { collection: 'default', documents },
  });

test('an ingest is recorded as its caller’s, and unchanged text costs nothing', async () => {
  await ingest(documents(3, 'tea'));
  const { embeddings } = await compare();
  expect(embeddings).toMatchObject([{ userId: 'admin', kind: 'EMBEDDING', inputTokens: 30 }]);
  await ingest(documents(3, 'tea'));
  expect((await compare()).embeddings).toEqual([]);
});

test('an ingest that fails half way is recorded for what was billed', async () => {
  refuseAfter = 1;
  const { ingestDocuments } = await ingest(documents(80, 'coffee'));
  expect(ingestDocuments.code).toBe('EMBEDDING_UNAVAILABLE');
  refuseAfter = Number.POSITIVE_INFINITY;
  const { embeddings } = await compare();
  expect(embeddings.length).toBeGreaterThan(0);
});

test('a request that fails takes none of those beside it out of the books', async () => {
  refuseAfter = 1;
  const text = Array.from({ length: 400 }, (_, at) => `# ${at}\n\n${`Cup ${at}. `.repeat(80)}`);
  const { ingestDocuments } = await ingest([{ source: 'cups', text: text.join('\n\n') }]);
  expect(ingestDocuments.code).toBe('EMBEDDING_UNAVAILABLE');
  refuseAfter = Number.POSITIVE_INFINITY;
  const { embeddings } = await compare();
  expect(embeddings).toMatchObject([{ status: 'failed', estimated: false }]);
});

test('what has no room in a budget is not embedded', async () => {
  const ada = await server.keyFor('ada', ['ADMIN']);
  await setBudget(server, 'ada', '0.000000000001');
  const refusal = { code: 'BUDGET_EXCEEDED' };
  const search = '{ search(input: { query: "tea" }) { source } }';
  const { errors } = await server.execute(search, {}, { as: ada });
  expect(errors).toMatchObject([{ extensions: refusal }]);
  const input = { question: 'Which tea?' };
  expect(await server.data(ASK, { input }, { as: ada })).toMatchObject({ ask: refusal });
  const batch = { input: { collection: 'default', documents: documents(1, 'cocoa') } };
  expect(await server.data(INGEST, batch, { as: ada })).toMatchObject({
    ingestDocuments: { __typename: 'BudgetExceededError', ...refusal },
  });
  expect(billedTokens).toBe(0);
  await setBudget(server, 'ada', '1');
  expect((await compare()).embeddings).toEqual([]);
});

test('maxCost bounds what a run’s searches are billed too', async () => {
  const options = { maxCost: '0.00000001' };
  const { ask } = await server.data<{ ask: Outcome }>(ASK, {
    input: { question: 'Which tea?', options },
  });
  expect(ask.code).toBe('BUDGET_EXCEEDED');
  expect(billedTokens).toBe(0);
  const search = '[demo:tool search_knowledge {"query":"tea"}] [demo:reply found] tea';
  const run = await runAgent(server, search, { maxCost: '1' });
  const { embeddings } = await compare();
  expect(embeddings).toHaveLength(1);
  const [window] = await server.database.query<{ spent: string }>(
    `SELECT trim_scale(spent)::text AS spent FROM "SpendingWindow" WHERE scope = 'RUN' AND subject = $1`,
    [embeddings[0]!.runId],
  );
  expect(window?.spent).toBe(run.cost);
});

test('a search is its caller’s, and a question asked lately costs nothing', async () => {
  const as = await server.keyFor('ada');
  const search = '{ search(input: { query: "green tea" }) { source } }';
  await server.data(search, {}, { as });
  expect((await compare()).embeddings).toMatchObject([{ userId: 'ada', inputTokens: 10 }]);
  await server.data(search, {}, { as });
  expect((await compare()).embeddings).toEqual([]);
});

test('the question of an answer is part of what the run cost', async () => {
  const { ask } = await server.data<{ ask: { id: string; cost: string; status: string } }>(ASK, {
    input: { question: 'Which tea, then?' },
  });
  expect(ask.status).toBe('SUCCEEDED');
  const { embeddings, records } = await compare();
  expect(embeddings).toHaveLength(1);
  expect(records).toMatchObject([{ kind: 'ANSWER', runId: embeddings[0]!.runId }]);
  const total = new Decimal(embeddings[0]!.cost!).plus(records[0]!.cost!);
  expect(ask.cost).toBe(total.toFixed());
});

test('a tool’s search is its run’s', async () => {
  const run = await runAgent(
    server,
    '[demo:tool search_knowledge {"query":"black tea"}] [demo:reply found] tea',
  );
  expect(run.status).toBe('SUCCEEDED');
  const { embeddings, records } = await compare();
  expect(embeddings).toMatchObject([{ userId: 'admin', runId: records[0]!.runId }]);
});

async function searchOverMcp(key: string): Promise<{ isError?: boolean; text: string }> {
  const response = await fetch(`${server.url}/mcp`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      authorization: `Bearer ${key}`,
      'x-request-id': 'request-over-mcp',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'search_knowledge', arguments: { query: 'white tea' } },
    }),
  });
  const message = /^data: (.*)$/m.exec(await response.text())![1]!;
  const { result } = JSON.parse(message) as {
    result: { isError?: boolean; content: { text: string }[] };
  };
  return { ...result, text: result.content.map(({ text }) => text).join('\n') };
}

test('a search over MCP is its caller’s, under the request and the key', async () => {
  const { isError = false, text } = await searchOverMcp(await server.keyFor('mia'));
  expect({ isError, text }).toMatchObject({ isError: false, text: expect.stringMatching(/tea/) });
  expect((await compare()).embeddings).toMatchObject([{ userId: 'mia', inputTokens: 10 }]);
  const booked = await server.database.query(
    `SELECT r."requestId", k."userId" AS "keyOf" FROM "UsageRecord" r JOIN "ApiKey" k ON k.id = r."apiKeyId"
     WHERE r."userId" = 'mia'`,
  );
  expect(booked).toEqual([{ requestId: 'request-over-mcp', keyOf: 'mia' }]);
});

test('a fault of the database is told to nobody but by the request id', async () => {
  await server.database.query('ALTER TABLE "Collection" RENAME TO "Elsewhere"');
  const { isError, text } = await searchOverMcp(await server.keyFor('mia'));
  await server.database.query('ALTER TABLE "Elsewhere" RENAME TO "Collection"');
  expect(isError).toBe(true);
  expect(text).toMatch(/Something went wrong .*request-over-mcp/);
  expect(text).not.toMatch(/relation|select/i);
});
