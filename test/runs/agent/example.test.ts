import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { startTestServer } from '../../support/start-test-server.ts';

/** The example's client in a process of its own, with what a person types. */
async function runClient(environment: Record<string, string>, typed: string): Promise<string> {
  const child = spawn('node_modules/.bin/node', ['examples/refunds/client.ts'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], ...environment },
  });
  child.stdin.end(`${typed}\n`);
  const [said, complaints] = await Promise.all([text(child.stdout), text(child.stderr)]);
  expect(complaints).toBe('');
  return said;
}

test('the example agent looks up, asks, and refunds once a person has said yes', async () => {
  await using server = await startTestServer({
    environment: { TESSERA_CONFIG: 'examples/refunds/tessera.config.ts' },
  });
  const environment = { TESSERA_URL: server.url, TESSERA_ADMIN_KEY: server.adminKey };
  const approved = await runClient(environment, 'y');
  expect(approved).toContain('ToolCallFinished {"tool":"look_up_order"');
  expect(approved).toContain('May the agent call refund_order {"order":"A-17"}?');
  expect(approved).toContain('"output":{"refunded":24.5},"isError":false');
  expect(approved).toContain('RunFinished');
  const rejected = await runClient(environment, 'n');
  expect(rejected).toContain('rejected this call');
});

test('the example says in one line that the server is gone', async () => {
  const server = await startTestServer({
    environment: { TESSERA_CONFIG: 'examples/refunds/tessera.config.ts' },
  });
  const child = spawn('node_modules/.bin/node', ['examples/refunds/client.ts'], {
    env: {
      PATH: process.env['PATH'],
      TESSERA_URL: server.url,
      TESSERA_ADMIN_KEY: server.adminKey,
    },
  });
  const complaints = text(child.stderr);
  for await (const said of child.stdout.setEncoding('utf8')) {
    if (!String(said).includes('May the agent call')) continue;
    await server[Symbol.asyncDispose]();
    child.stdin.end('y\n');
  }
  expect((await complaints).trim()).toMatch(
    /^The server is not to be reached\..*run this again\.$/,
  );
});
