import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { createRegistry } from '../../../src/kernel/registry/create-registry.ts';
import type { Registry } from '../../../src/kernel/registry/registry.ts';
import { mcp } from '../../../src/plugins/mcp/mcp.ts';
import { ServerConnection } from '../../../src/plugins/mcp/server-connection.ts';
import { serverOptions } from '../../../src/plugins/mcp/server-options.ts';
import { testLog } from '../../support/test-log.ts';
import { startHttpServer } from './fixtures/http-server.ts';
import { toolContext } from './fixtures/tool-context.ts';

const fixture = (name: string) => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
const services = { knowledge: { search: async () => [] }, log: testLog };

let folder: string;
let journal: string;
let registries: Registry[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tessera-mcp-'));
  journal = join(folder, 'journal');
  registries = [];
});

afterEach(async () => {
  await Promise.all(registries.map((registry) => registry.close()));
  rmSync(folder, { recursive: true });
});

const child = () => ({ command: process.execPath, args: [fixture('stdio-server.ts'), journal] });

async function start(options: Parameters<typeof mcp>[0]): Promise<Registry> {
  const registry = await createRegistry([mcp(options)], services, []);
  registries.push(registry);
  return registry;
}

async function call(registry: Registry, name: string, input: object = {}, signal?: AbortSignal) {
  const tool = registry.tools.get(name)!;
  const output = await tool.run(tool.input.parse(input), toolContext(signal));
  return tool.output.parse(output);
}

const pidOf = async (registry: Registry): Promise<number> =>
  Number(/pid (\d+)/.exec(String(await call(registry, 'process')))![1]);

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

const journalSays = (line: string) =>
  vi.waitFor(() => expect(readFileSync(journal, 'utf8')).toContain(line), { timeout: 10_000 });

describe('tools of a child process', () => {
  test('are tools of this server', async () => {
    const registry = await start({ servers: { small: child() } });
    expect([...registry.tools.keys()]).toEqual([
      'add_numbers',
      'delete_file',
      'fail',
      'process',
      'crash',
      'wait',
    ]);
    const add = registry.tools.get('add_numbers')!;
    expect(add).toMatchObject({ description: 'Adds two numbers.', idempotent: true });
    expect(z.toJSONSchema(add.input)).toMatchObject({
      properties: { a: { type: 'number', description: 'The first.' }, b: { minimum: 0 } },
      required: ['a', 'b'],
    });
    expect(await call(registry, 'add_numbers', { a: 1, b: 2 })).toEqual({ sum: 3 });
    expect(add.input.safeParse({ a: 1, b: -1 }).error?.issues[0]?.message).toBe('b must be >= 0');
    await expect(call(registry, 'fail')).rejects.toThrow('the disk is full');
    expect(registry.tools.get('delete_file')).toMatchObject({
      needsApproval: true,
      idempotent: false,
    });
    expect(registry.tools.get('fail')?.needsApproval).toBe(false);
  });

  test('see of the environment only what they are given', async () => {
    vi.stubEnv('SECRET', 'of this server');
    const bare = await start({ servers: { small: child() } });
    expect(await call(bare, 'process')).toMatch(/^pid \d+\nsecret none$/);
    const given = await start({ servers: { small: { ...child(), env: { SECRET: 'for it' } } } });
    expect(await call(given, 'process')).toMatch(/secret for it$/);
    vi.unstubAllEnvs();
  });

  test('are told of an abort', async () => {
    const registry = await start({ servers: { small: child() } });
    const stop = new AbortController();
    const waiting = call(registry, 'wait', {}, stop.signal);
    await journalSays('waiting');
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await journalSays('cancelled');
  });

  test('come back after the process died', async () => {
    const registry = await start({ servers: { small: child() } });
    const before = await pidOf(registry);
    await expect(call(registry, 'crash')).rejects.toThrow('Connection closed');
    expect(await pidOf(registry)).not.toBe(before);
  });

  test('end with the server', async () => {
    const registry = await start({ servers: { small: child() } });
    const pid = await pidOf(registry);
    await registry.close();
    expect(isAlive(pid)).toBe(false);
    await expect(call(registry, 'process')).rejects.toThrow('this server is shutting down');
  });
});

describe('tools over streamable HTTP', () => {
  test('are called with the headers of the options', async () => {
    await using server = await startHttpServer(journal);
    const headers = { authorization: 'Bearer secret' };
    const registry = await start({ servers: { small: { url: server.url, headers } } });
    expect(await call(registry, 'add_numbers', { a: 1, b: 2 })).toEqual({ sum: 3 });
    expect(server.headers).toMatchObject(headers);
  });

  test('are reached again, in a new session, after the server forgot the old one', async () => {
    await using server = await startHttpServer(journal);
    const registry = await start({ servers: { small: { url: server.url } } });
    server.forgetSessions();
    expect(await call(registry, 'add_numbers', { a: 1, b: 2 })).toEqual({ sum: 3 });
    expect(server.sessionsBegun).toBe(2);
  });
});

describe('choosing among tools', () => {
  test('tools that two servers have are prefixed, and only the wanted ones come in', async () => {
    await using server = await startHttpServer(journal);
    const servers = {
      first: { ...child(), tools: ['process', 'fail'] },
      'Second Server': { url: server.url, tools: ['process'] },
    };
    const registry = await start({ servers });
    expect([...registry.tools.keys()]).toEqual(['fail', 'first_process', 'second_server_process']);
  });

  test.each([
    ['destructive' as const, { add_numbers: false, delete_file: true, fail: false }],
    ['unless-read-only' as const, { add_numbers: false, delete_file: true, fail: true }],
    [true, { add_numbers: true, delete_file: true, fail: true }],
    [false, { add_numbers: false, delete_file: false, fail: false }],
    [['fail'], { add_numbers: false, delete_file: false, fail: true }],
  ])('approvals: %j', async (needsApproval, expected) => {
    const tools = ['addNumbers', 'delete-file', 'fail'];
    await using server = await startHttpServer(journal);
    const small = { url: server.url, tools, needsApproval };
    const registry = await start({ servers: { small } });
    const needed = [...registry.tools].map(([name, tool]) => [name, tool.needsApproval]);
    expect(Object.fromEntries(needed)).toEqual(expected);
  });
});

describe('what keeps the server from starting', () => {
  const missing = { command: join(tmpdir(), 'there-is-no-such-command') };
  const broken = { command: process.execPath, args: [fixture('broken-server.ts')] };

  test.each([
    ['a missing command', missing, /MCP server "small" cannot be reached: spawn .* ENOENT/],
    ['a process that ends', broken, /its last words: the token is missing: set SMALL_TOKEN/],
    ['no such port', { url: 'http://127.0.0.1:9/mcp' }, /cannot be reached: fetch failed: /],
    ['an unknown tool', { tools: ['fly'] }, /MCP server "small" has no tool "fly" \(it has: addN/],
  ])('%s', async (_, options, message) => {
    await using server = await startHttpServer(journal);
    const small = 'tools' in options ? { url: server.url, ...options } : options;
    await expect(start({ servers: { small } })).rejects.toThrow(message);
  });

  test('neither does an optional server, which brings nothing then', async () => {
    await using server = await startHttpServer(journal);
    const servers = { small: { ...missing, optional: true }, other: { url: server.url } };
    expect((await start({ servers })).tools.size).toBe(6);
  });

  test.each([
    [{ command: 'x', url: 'http://x' }, 'option servers.small: give either { command, args'],
    [{ url: 'ftp://x' }, 'option servers.small.url: Invalid URL'],
    [{ command: 'x', arg: [] }, 'option servers.small: Unrecognized key: "arg"'],
    [{ command: 5 }, 'option servers.small: command: Invalid input: expected string'],
  ])('wrong options: %j', async (small, message) => {
    const options = { servers: { small } } as unknown as Parameters<typeof mcp>[0];
    await expect(start(options)).rejects.toThrow(message);
  });
});

test('a server that stays away is tried less and less often, and said so without trying', async () => {
  const options = serverOptions.parse({ url: 'http://127.0.0.1:9/mcp' });
  let now = 0;
  const connection = new ServerConnection({ name: 'small', options, log: testLog, now: () => now });
  const attempt = () => connection.listTools().catch((error: Error) => error.message);
  const unreachable = /cannot be reached: fetch failed: [^.]*$/;
  expect(await attempt()).toMatch(unreachable);
  expect(await attempt()).toMatch(unreachable);
  expect(await attempt()).toMatch(/Try again in 1 s\.$/);
  now += 1_000;
  expect(await attempt()).toMatch(unreachable);
  now += 1_000;
  expect(await attempt()).toMatch(/Try again in 1 s\.$/);
  now += 1_000;
  expect(await attempt()).toMatch(unreachable);
});
