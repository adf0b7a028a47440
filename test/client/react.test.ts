import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { defineAgent, definePlugin, defineTool } from '../../src/tessera.ts';
import tessera from '../../tessera.config.ts';
import { chromiumPath } from '../support/chromium-path.ts';
import { startTestServer, type TestServer } from '../support/start-test-server.ts';
import { type CuttingProxy, startCuttingProxy } from './support/cutting-proxy.ts';
import { serveApp } from './support/serve-app.ts';

const payments = definePlugin({
  name: 'payments',
  version: '1.0.0',
  setup: () => ({
    tools: [
      defineTool({
        name: 'pay',
        description: 'Pays.',
        input: z.object({ amount: z.number() }),
        output: z.string(),
        needsApproval: true,
        run: async ({ amount }) => `paid ${amount}`,
      }),
    ],
    agents: [
      defineAgent({
        name: 'payer',
        description: 'Pays what is asked.',
        instructions: 'Pay.',
        tools: ['pay'],
      }),
    ],
  }),
});

let server: TestServer;
let proxy: CuttingProxy;
let app: Awaited<ReturnType<typeof serveApp>>;
let browser: Browser;
let page: Page;
const troubles: string[] = [];

beforeAll(async () => {
  app = await serveApp('react-app');
  server = await startTestServer({
    plugins: [...tessera.plugins, payments()],
    environment: { CORS_ORIGINS: app.url },
  });
  proxy = await startCuttingProxy(server.url);
  browser = await chromium.launch({
    executablePath: chromiumPath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
  page = await browser.newPage();
  page.on('pageerror', (error) => troubles.push(error.message));
  await page.goto(`${app.url}/?url=${proxy.url}/graphql&key=${server.adminKey}`);
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await proxy?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  await app?.[Symbol.asyncDispose]();
});

const output = (section: string) => page.getByRole('region', { name: section }).locator('output');
const click = (name: string) => page.getByRole('button', { name, exact: true }).click();
const ended = (section: string, status: string) =>
  page.waitForSelector(`[aria-label="${section}"] output[data-status="${status}"]`, {
    state: 'attached',
  });

async function storedText(section: string): Promise<string> {
  const id = await output(section).getAttribute('data-run');
  const { run } = await server.data<{ run: { text: string } }>(
    'query ($id: ID!) { run(id: $id) { ... on Completion { text } } }',
    { id },
  );
  return run.text;
}

test('text shows without loss, in strict mode and over connections that are cut', async () => {
  await click('Ask');
  for (let cut = 0; cut < 3; cut += 1) {
    await page.waitForFunction(
      (length) => document.querySelector('output')!.textContent!.length > length,
      200 * (cut + 1),
    );
    proxy.cut('reset');
  }
  await ended('completion', 'finished');
  expect(await output('completion').textContent()).toBe(await storedText('completion'));
  const first = await output('completion').getAttribute('data-run');
  await click('Again');
  await page.waitForSelector(`output[data-status="finished"]:not([data-run="${first}"])`);
  expect(await output('completion').textContent()).toBe(await storedText('completion'));
  expect(troubles).toEqual([]);
});

test('stop stops the run, and so does a component that goes', async () => {
  const statusOf = async (id: string | null): Promise<string> =>
    (
      await server.data<{ run: { status: string } }>(
        'query ($id: ID!) { run(id: $id) { status } }',
        { id },
      )
    ).run.status;
  await click('Ask for long');
  await page.waitForFunction(() => document.querySelector('output')!.textContent!.length > 50);
  const stopped = await output('completion').getAttribute('data-run');
  await click('Stop');
  await ended('completion', 'stopped');
  await expect.poll(() => statusOf(stopped)).toBe('CANCELLED');
  await click('Ask for long');
  await page.waitForFunction(() => document.querySelector('output')!.textContent!.length > 50);
  const left = await output('completion').getAttribute('data-run');
  await click('Toggle');
  await expect.poll(() => statusOf(left)).toBe('CANCELLED');
  await click('Toggle');
});

test('a partial output is a value of the prompt’s own type', async () => {
  await click('Classify');
  await ended('sentiment', 'finished');
  const value = JSON.parse((await output('sentiment').textContent())!);
  expect(value).toMatchObject({ sentiment: expect.any(String), confidence: expect.any(Number) });
});

test('an agent waits for the approval that the page gives', async () => {
  await click('Run');
  await ended('agent', 'waiting');
  await click('Approve pay');
  await ended('agent', 'finished');
  expect(await output('agent').textContent()).toContain('paid 5');
});
