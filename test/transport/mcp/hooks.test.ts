import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { expect, test } from 'vitest';
import { definePlugin, defineTool, type Hooks, ToolError, z } from '../../../src/tessera.ts';
import { startTestServer } from '../../support/start-test-server.ts';

type Seen = Parameters<NonNullable<Hooks['afterToolCall']>>;

test('a tool that is called over MCP reaches the afterToolCall hooks, failures included', async () => {
  const seen: Seen[] = [];
  let attempts = 0;
  const flaky = defineTool({
    name: 'flaky',
    description: 'Fails at its first attempt, and for a negative number.',
    input: z.object({ number: z.number() }),
    output: z.number(),
    idempotent: true,
    retries: 1,
    run: ({ number }) => {
      attempts += 1;
      if (attempts === 1 || number < 0) throw new ToolError('not now');
      return number * 2;
    },
  });
  const plugin = definePlugin({
    name: 'watched',
    version: '1.0.0',
    description: 'Sees its own calls.',
    setup: () => ({
      tools: [flaky],
      hooks: { afterToolCall: (...call) => void seen.push(call) },
    }),
  });
  await using server = await startTestServer({ plugins: [plugin()] });
  const key = await server.keyFor('ada');
  const client = new Client({ name: 'test', version: '1.0.0' });
  const requestInit = { headers: { authorization: `Bearer ${key}` } };
  const url = new URL(`${server.url}/mcp`);
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit }) as Transport);
  const call = (number: unknown) => client.callTool({ name: 'flaky', arguments: { number } });
  expect((await call(21)).content).toEqual([{ type: 'text', text: '42' }]);
  expect((await call(-1)).isError).toBe(true);
  expect((await call('one')).isError).toBe(true);
  await client.close();
  expect(seen.map(([{ tool, input, output, isError }]) => [tool, input, output, isError])).toEqual([
    ['flaky', { number: 21 }, 42, false],
    ['flaky', { number: -1 }, 'The tool "flaky" failed: not now', true],
    ['flaky', { number: 'one' }, expect.stringContaining('does not take this input'), true],
  ]);
  const [, context] = seen[0]!;
  expect(context).toMatchObject({ kind: 'TOOL', userId: 'ada' });
  expect(context.runId).not.toBe(seen[1]![1].runId);
  expect(context.requestId).not.toBe('');
});
