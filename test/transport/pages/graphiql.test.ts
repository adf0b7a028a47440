import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chromiumPath } from '../../support/chromium-path.ts';
import { startTestServer, type TestServer } from '../../support/start-test-server.ts';

let server: TestServer;
let browser: Browser;

beforeAll(async () => {
  server = await startTestServer();
  browser = await chromium.launch({
    executablePath: chromiumPath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--disable-background-networking',
    ],
  });
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
});

test('the printed link opens GraphiQL, where tokens arrive', { timeout: 120_000 }, async () => {
  const page = await browser.newPage();
  const troubles: string[] = [];
  const frames: { payload?: { data?: { completion: { __typename: string } } } }[] = [];
  page.on('pageerror', (error) => troubles.push(error.message));
  page.on('request', (request) => {
    const url = request.url().replace(/^blob:/, '');
    if (!url.startsWith(server.url) && !url.startsWith('data:')) troubles.push(url);
  });
  page.on('websocket', (socket) =>
    socket.on('framereceived', ({ payload }) => frames.push(JSON.parse(String(payload)))),
  );

  await page.goto(await server.running.loginLink());
  expect(page.url()).toBe(`${server.url}/graphql`);
  await page.locator('.graphiql-execute-button').click({ timeout: 60_000 });
  await page.getByRole('menuitem', { name: 'Stream' }).click();
  await page.locator('.result-window', { hasText: 'RunFinished' }).waitFor({ timeout: 60_000 });

  const types = frames.flatMap(({ payload }) => payload?.data?.completion.__typename ?? []);
  expect(types.filter((type) => type === 'TextDelta').length).toBeGreaterThan(1);
  expect(troubles).toEqual([]);
});

test('every operation of the first document is valid and answered', async () => {
  const page = await (
    await fetch(`${server.url}/graphql`, { headers: { accept: 'text/html' } })
  ).text();
  const options =
    /renderYogaGraphiQL\(\s*window\.document\.querySelector\('#root'\),\s*(\{.*\}),\s*\)/s.exec(
      page,
    );
  const { defaultQuery } = JSON.parse(options?.[1] ?? '{}') as { defaultQuery: string };
  const names = [...defaultQuery.matchAll(/^(?:query|mutation) (\w+)/gm)].map(([, name]) => name);
  expect(names).toEqual(['Complete', 'Ingest', 'Ask', 'Research', 'Costs']);
  for (const operationName of names) {
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${server.adminKey}` },
      body: JSON.stringify({ query: defaultQuery, operationName }),
    });
    const answer = await response.text();
    expect(answer).not.toContain('"errors"');
    expect(answer).not.toContain('Error"');
  }
});
