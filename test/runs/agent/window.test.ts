import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AgentRunView, calls, RUN_AGENT } from './support/agent-operations.ts';
import { type AgentServer, startAgentServer } from './support/start-agent-server.ts';

let server: AgentServer;
beforeAll(async () => {
  server = await startAgentServer();
});
afterAll(async () => server[Symbol.asyncDispose]());

/** On a model whose window is 200,000 tokens. */
async function runIt(message: string, maxTurns = 10): Promise<AgentRunView> {
  const input = { agent: 'clerk', message, maxTurns, model: 'claude-haiku-4-5' };
  return (await server.data<{ runAgent: AgentRunView }>(RUN_AGENT, { input })).runAgent;
}

const long = (count: number) =>
  server.world.script(
    'note',
    ...Array.from({ length: count }, () => ({
      output: { ok: true, text: 'word '.repeat(12_000) },
    })),
  );

test('the results of one turn share the room that the window has left', async () => {
  long(100);
  const made = Array.from({ length: 100 }, (): [string, object] => ['note', { text: 'a' }]);
  const run = await runIt(`${calls(...made)}[demo:next]${calls(made[0]!)} [demo:reply ok] shared`);
  expect(run).toMatchObject({ status: 'SUCCEEDED', text: 'ok' });
  const bodies = server.demo.requests
    .map(({ body }) => body!.messages)
    .filter((messages) => JSON.stringify(messages[0]).includes('shared'));
  const results = bodies[1]!.at(-1)!.content as { content: { text: string }[] }[];
  expect(results).toHaveLength(100);
  const cut = /^(.{500,5000})\n\[\d+ more characters are not shown/s;
  for (const { content } of results) expect(content[0]!.text).toMatch(cut);
  // What was sent once is sent again word for word.
  const texts = (messages: unknown) =>
    JSON.stringify(messages, (key, value) => (key === 'cache_control' ? undefined : value));
  expect(texts(bodies[2]!.slice(0, bodies[1]!.length))).toBe(texts(bodies[1]));
});

test('a conversation without room for another turn ends, with what it did, before the provider refuses it', async () => {
  long(40);
  const run = await runIt('[demo:loop note {"text":"again"}] endless', 60);
  expect(run).toMatchObject({ status: 'FAILED', error: { code: 'OUTPUT_INVALID' } });
  expect(run.error?.message).toContain('no longer fits');
  expect(run.turns.length).toBeGreaterThan(3);
  const refused = await runIt('x'.repeat(700_000));
  expect(refused.error?.message).toContain('no longer fits');
});

test('a provider that finds the prompt too long ends the run the same way', async () => {
  server.demo.script({
    kind: 'status',
    status: 400,
    message: 'prompt is too long: 9 tokens > 8 maximum',
    match: { contains: 'unforeseen' },
  });
  const run = await runIt('unforeseen');
  expect(run).toMatchObject({ status: 'FAILED', error: { code: 'OUTPUT_INVALID' } });
  expect(run.error?.message).toContain('no longer fits');
});
