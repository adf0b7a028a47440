import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DemoModel, startDemoModel } from '../../src/demo-model/demo-model-server.ts';
import { openRawWebSocket } from '../support/raw-web-socket.ts';
import { spawnServer } from '../support/server-process.ts';

let folder: string;
let demo: DemoModel;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tessera-test-'));
  demo = await startDemoModel();
});
afterAll(async () => {
  await demo.close();
  await rm(folder, { recursive: true, force: true });
});

const environment = () => ({
  DATA_DIR: folder,
  ANTHROPIC_API_KEY: 'test',
  ANTHROPIC_BASE_URL: demo.url,
});
const endpoint = /Endpoint +(\S+)/;

describe('the process', { timeout: 120_000 }, () => {
  test('starts, shows the admin the way in, and ends its streams before it stops, through npm', async () => {
    await using server = spawnServer(environment(), { throughNpm: true });
    const [, url = ''] = await server.prints(endpoint);
    expect(server.printed()).toMatch(
      /GraphiQL +http:\/\/127\.0\.0\.1:\d+\/login\?once=[\w-]{43}\n/,
    );
    expect(server.printed()).toContain(`embedded, in ${folder}`);
    const [, key = ''] = await server.prints(/Admin key +(tsr_\S+)/);

    using socket = await openRawWebSocket(url);
    await socket.init({ authorization: `Bearer ${key}` });
    const release = demo.hold();
    socket.subscribe(
      '1',
      'subscription { completion(input: { prompt: { text: "hello" } }) { __typename } }',
    );
    expect(await socket.next()).toMatchObject({
      payload: { data: { completion: { __typename: 'RunStarted' } } },
    });
    await demo.waitForOpenCalls(1);
    server.child.kill('SIGTERM');
    await server.prints(/stopping/);
    const ready = await fetch(`${new URL(url).origin}/health/ready`);
    expect(ready.status).toBe(503);
    release();
    let last = '';
    for (
      let message = await socket.next();
      message.type === 'next';
      message = await socket.next()
    ) {
      last = JSON.stringify(message.payload);
    }
    expect(last).toContain('RunFinished');
    expect((await socket.closed).code).toBe(1001);
    expect(await server.exited).toBe(0);
    await expect(fetch(url)).rejects.toThrow();
    const logged = server.printed().slice(server.printed().indexOf('Admin key') + 60);
    expect(logged).not.toContain(key);
  });

  test('starts again with what it has, and shows no key a second time', async () => {
    await using server = spawnServer(environment());
    await server.prints(endpoint);
    expect(server.printed()).not.toContain('Admin key');
    await using second = spawnServer(environment());
    expect(await second.exited).toBe(1);
    expect(second.printed()).toMatch(/^tessera: .*\n$/);
    expect(second.printed()).toContain(folder);
    // As a Ctrl-C under npm: from the terminal, and from npm.
    server.child.kill('SIGINT');
    await server.prints(/stopping/);
    server.child.kill('SIGINT');
    expect(await server.exited).toBe(0);
  });

  test('stops at once when it is told again later', async () => {
    await using server = spawnServer({
      ...environment(),
      TESSERA_ADMIN_KEY: 'the-key-of-this-server',
    });
    const [, url = ''] = await server.prints(endpoint);
    using socket = await openRawWebSocket(url);
    await socket.init({ authorization: 'Bearer the-key-of-this-server' });
    const release = demo.hold();
    socket.subscribe(
      '1',
      'subscription { completion(input: { prompt: { text: "goodbye" } }) { __typename } }',
    );
    await demo.waitForOpenCalls(1);
    const insisting = setInterval(() => server.child.kill('SIGINT'), 100);
    expect(await server.exited).toBe(1);
    clearInterval(insisting);
    release();
  });

  test('does not start when it is told wrongly, and says in one line each what is wrong', async () => {
    await using server = spawnServer({
      PORT: 'many',
      TESSERA_MODLE: 'x',
      TESSERA_ADMIN_KEY: 's e',
    });
    expect(await server.exited).toBe(1);
    const lines = server.printed().trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    expect(lines.every((line) => line.startsWith('tessera: '))).toBe(true);
    expect(lines.join()).not.toContain('s e');
  });

  test('does not start on a port that is taken or no address of this machine, and leaves nothing behind', async () => {
    const { port } = new URL(demo.url);
    const refusals: [Record<string, string>, string][] = [
      [{ PORT: port }, `port ${port} of 127.0.0.1 is in use: stop what uses it, or set PORT`],
      [{ HOST: '192.0.2.1' }, "port 0 of 192.0.2.1 can't be listened on: set HOST to an address"],
    ];
    for (const [setting, refusal] of refusals) {
      await using server = spawnServer({
        ...environment(),
        DATA_DIR: join(folder, 'own'),
        ...setting,
      });
      expect(await server.exited).toBe(1);
      expect(server.printed()).toContain(`tessera: ${refusal}`);
      expect(server.printed()).not.toContain('servers are gone');
    }
  });

  test('does not start in a data folder that it cannot write to, and says which setting to change', async () => {
    const file = join(folder, 'a file');
    await writeFile(file, '');
    await using server = spawnServer({ ...environment(), DATA_DIR: file });
    expect(await server.exited).toBe(1);
    expect(server.printed()).toBe(
      `tessera: The data folder ${file} can't be written to (EEXIST): set DATA_DIR\n`,
    );
  });
});
