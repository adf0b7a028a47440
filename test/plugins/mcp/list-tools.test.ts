import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createRegistry } from '../../../src/kernel/registry/create-registry.ts';
import { mcp } from '../../../src/plugins/mcp/mcp.ts';
import { testLog } from '../../support/test-log.ts';
import { startListingServer } from './fixtures/listing-server.ts';

const services = { knowledge: { search: async () => [] }, log: testLog };
const tool = (name: string) => ({ name, description: 'd', inputSchema: { type: 'object' } });

async function toolsOf(url: string, startTimeoutMs = 10_000): Promise<string[]> {
  const registry = await createRegistry(
    [mcp({ servers: { one: { url, startTimeoutMs } } })],
    services,
    [],
  );
  const names = [...registry.tools.keys()];
  await registry.close();
  return names;
}

test.each([
  ['an empty cursor', ''],
  ['null', null],
  ['no cursor', undefined],
])('a list ends with %s', async (_name, nextCursor) => {
  await using server = await startListingServer((cursor) =>
    cursor === undefined
      ? { tools: [tool('a')], nextCursor: 'more' }
      : { tools: [tool('b')], ...(nextCursor === undefined ? {} : { nextCursor }) },
  );
  expect(await toolsOf(server.url)).toEqual(['a', 'b']);
  expect(server.cursors).toEqual([undefined, 'more']);
});

test.each([
  ['the same cursor', ['x', 'x']],
  ['a circle of cursors', ['x', 'y', 'x']],
])('a list that gives %s is an error', async (_name, next) => {
  const given = [...next];
  await using server = await startListingServer(() => ({
    tools: [],
    nextCursor: given.length > 1 ? given.shift()! : given[0]!,
  }));
  await expect(toolsOf(server.url)).rejects.toThrow(/"one" does not list its tools: .*cursor/);
  expect(server.cursors.length).toBe(next.length);
});

test('a list of endless pages is bounded', async () => {
  let page = 0;
  await using server = await startListingServer(() => {
    page += 1;
    return { tools: [tool(`t${page}`), tool(`u${page}`)], nextCursor: String(page) };
  });
  await expect(toolsOf(server.url)).rejects.toThrow(/more than 1000 tools/);
  expect(page).toBe(501);
});

test('a list of a thousand tools is taken', async () => {
  const tools = Array.from({ length: 1_000 }, (_, index) => tool(`t${index}`));
  await using server = await startListingServer(() => ({ tools, nextCursor: '' }));
  expect(await toolsOf(server.url)).toHaveLength(1_000);
});

test('one deadline holds for the whole list, however quick each page is', async () => {
  let page = 0;
  await using server = await startListingServer(async () => {
    page += 1;
    await delay(40);
    return { tools: [], nextCursor: String(page) };
  });
  const startedAt = performance.now();
  await expect(toolsOf(server.url, 500)).rejects.toThrow(/does not list its tools/);
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  expect(page).toBeLessThan(20);
});
