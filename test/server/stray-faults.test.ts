import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { spawnServer } from '../support/server-process.ts';

const adminKey = 'admin-key-of-the-tests';

let folder: string;
let server: ReturnType<typeof spawnServer>;
let url: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tessera-stray-'));
  server = spawnServer({
    DATA_DIR: path.join(folder, 'data'),
    TESSERA_ADMIN_KEY: adminKey,
    TESSERA_CONFIG: 'test/server/fixtures/stray.config.ts',
  });
  const [, endpoint = ''] = await server.prints(/Endpoint\s+(\S+)\/graphql/);
  url = endpoint;
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function execute(query: string): Promise<unknown> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${adminKey}` },
    body: JSON.stringify({ query }),
  });
  return ((await response.json()) as { data: unknown }).data;
}

const counted = async (): Promise<number> => {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/tessera_plugin_stray_faults_total\{plugin="stray"\} (\d+)/.exec(text)?.[1] ?? 0);
};

const kinds = ['rejection', 'text', 'timer', 'immediate', 'later', 'emitter'];

test.each(kinds)('a stray %s in a resolver is logged, counted and survived', async (kind) => {
  const before = await counted();
  expect(await execute(`{ stray(kind: "${kind}") }`)).toEqual({ stray: 'done' });
  await expect.poll(counted, { timeout: 5_000 }).toBe(before + 1);
  expect(await execute('{ viewer { userId } }')).toEqual({ viewer: { userId: 'admin' } });
});

test.each(kinds)('a stray %s in a tool is logged, counted and survived', async (kind) => {
  const before = await counted();
  const message = `[demo:tool stray {\\"kind\\": \\"${kind}\\"}] [demo:reply ok] ${kind}`;
  const { runAgent } = (await execute(
    `mutation { runAgent(input: { agent: "clerk", message: "${message}" }) { ... on AgentRun { status } } }`,
  )) as { runAgent: { status: string } };
  expect(runAgent.status).toBe('SUCCEEDED');
  // The tool's own, and that of the hook at the run's end.
  await expect.poll(counted, { timeout: 5_000 }).toBe(before + 2);
});

test('the log names the plugin', () => {
  const lines = server
    .printed()
    .split('\n')
    .filter((line) => line.includes('"plugin":"stray"') && line.includes('the server goes on'));
  for (const what of ['rejection', 'text', 'timer', 'immediate', 'later', 'event', 'hook']) {
    expect(lines.some((line) => line.includes(`stray ${what}`))).toBe(true);
  }
});

test('the server stops in good order afterwards', async () => {
  server.child.kill('SIGTERM');
  expect(await server.exited).toBe(0);
});
