import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../support/start-test-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const send = (query: string, accept: string): Promise<Response> =>
  fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${server.adminKey}`,
      accept,
    },
    body: JSON.stringify({ query }),
  });
const COMPLETE = 'mutation { complete(input: { prompt: { text: "hi" } }) { __typename } }';
const STREAM = 'subscription { completion(input: { prompt: { text: "hi" } }) { __typename } }';

test.each([
  [COMPLETE, 'text/plain'],
  [STREAM, 'application/json'],
  [STREAM, 'application/graphql-response+json, application/json;q=0.9'],
])('%s is refused for accept: %s before anything is begun', async (query, accept) => {
  const before = server.demo.requests.length;
  const response = await send(query, accept);
  expect(response.status).toBe(406);
  const { errors } = (await response.json()) as {
    errors: { extensions: { code: string; requestId: string } }[];
  };
  expect(errors[0]?.extensions).toMatchObject({
    code: 'BAD_USER_INPUT',
    requestId: response.headers.get('x-request-id'),
  });
  expect(server.running.services.runs.openStreams()).toBe(0);
  expect(server.demo.requests).toHaveLength(before);
});

test.each([
  [COMPLETE, '*/*', 'application/'],
  [COMPLETE, 'application/json;q=0.5, text/html', 'application/json'],
  [STREAM, 'text/event-stream', 'text/event-stream'],
  [STREAM, 'text/*', 'text/event-stream'],
  [STREAM, '*/*', 'text/event-stream'],
])('%s is answered for accept: %s', async (query, accept, type) => {
  const response = await send(query, accept);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toContain(type);
  await response.text();
});
