import { afterAll, beforeAll, expect, test } from 'vitest';
import { odd } from '../../runs/agent/fixtures/odd-tools.ts';
import { startEndpoint } from './fixtures/endpoint.ts';

let endpoint: Awaited<ReturnType<typeof startEndpoint>>;
beforeAll(async () => {
  endpoint = await startEndpoint({ plugins: [odd()] });
});
afterAll(async () => endpoint[Symbol.asyncDispose]());

async function calling(name: string, input: Record<string, unknown> = {}) {
  const client = await endpoint.connect();
  const { content, isError = false } = await client.callTool({ name, arguments: input });
  return { isError, text: (content as { text: string }[])[0]!.text };
}

test.each([
  ['give', { kind: 'throwing' }, /its output cannot be used: JSON cannot tell it/],
  ['give', { kind: 'long' }, /1000000 are the most/],
  ['cite_odd', {}, /its output cannot be used/],
  ['throw_odd', { kind: 'bare' }, /failed\. The reason is in the server's log\.$/],
  ['throw_odd', { kind: 'object' }, /failed\. The reason is in the server's log\.$/],
  ['throw_odd', { kind: 'error' }, /failed\. The reason is in the server's log\.$/],
  ['throw_odd', { kind: 'told' }, /failed: give a number$/],
  ['throwing_input', { text: 'a' }, /does not take this input\. Its check failed\./],
  ['async_input', { text: 'wrong' }, /text: is wrong/],
  ['async_input', { text: 'ask' }, /^This call was not made/],
  ['throwing_output', {}, /its output cannot be used/],
  ['hanging_rule', {}, /^This call was not made/],
])('%s %j is the failure of its call', async (name, input, message) => {
  const { isError, text } = await calling(name, input);
  expect(isError).toBe(true);
  expect(text).toMatch(message);
  expect(endpoint.lines.filter(({ level }) => level === 'error')).toEqual([]);
});

test('schemas that take their time are waited for', async () => {
  expect(await calling('async_input', { text: 'right' })).toEqual({ isError: false, text: 'done' });
  expect(await calling('async_output')).toEqual({ isError: false, text: 'done' });
});
