import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixture } from '../support/start-replay.ts';
import { type ReplayServer, startReplayServer } from '../support/start-replay-server.ts';

const sonnet = 'claude-sonnet-5-5';

let here: ReplayServer;
beforeAll(async () => {
  here = await startReplayServer();
});
afterAll(async () => here[Symbol.asyncDispose]());

const complete = async (name: string) => here.complete(await fixture(`claude/${name}`), sonnet);
const runAgent = async (name: string) => here.runAgent(await fixture(`claude/${name}`), sonnet);

/** The assistant's blocks as the second request has them. */
function echoed(): Record<string, unknown>[] {
  const [, second] = here.replay.requests;
  const messages = second!['messages'] as { role: string; content: Record<string, unknown>[] }[];
  return messages[1]!.content;
}

describe('the numbers of a Claude stream', () => {
  it.each([
    ['closing-usage-of-output-only', { inputTokens: 40, outputTokens: 12, estimated: false }],
    [
      'closing-usage-null',
      { inputTokens: 540, cacheReadTokens: 200, outputTokens: 12, estimated: false },
    ],
    [
      'closing-usage-of-zeros',
      { inputTokens: 540, cacheReadTokens: 200, outputTokens: 12, estimated: false },
    ],
    ['closing-usage-absent', { inputTokens: 40, outputTokens: 4, estimated: true }],
    ['opening-usage-absent', { inputTokens: 40, outputTokens: 12, estimated: false }],
    ['no-usage-at-all', { outputTokens: 4, estimated: true }],
    ['usage-that-is-no-number', { outputTokens: 13, estimated: true }],
    ['usage-as-text', { inputTokens: 40, outputTokens: 12, estimated: false }],
    ['cache-writes-unsplit', { inputTokens: 540, outputTokens: 12, estimated: false }],
    ['output-of-zero', { inputTokens: 40, outputTokens: 4, estimated: true }],
  ])('are merged or estimated: %s', async (name, usage) => {
    const { run, error, text } = await complete(name);
    expect(error).toBeNull();
    expect(text).toBe('Good morning.');
    expect(run).toMatchObject({ text: 'Good morning.', stopReason: 'end_turn', usage });
    expect(run!.usage.inputTokens).toBeGreaterThan(0);
    expect(Number(run!.cost)).toBeGreaterThan(0);
  });

  it('are billed once, and nothing stays held', async () => {
    const budget = `mutation { setBudget(input: {
      subject: "replayed", period: DAILY, limit: "1"
    }) { ... on Budget { id } } }`;
    await here.server.data(budget);
    const as = await here.server.keyFor('replayed');
    here.replay.script(await fixture('claude/closing-usage-of-output-only'));
    const ask = `mutation ($text: String!) {
      complete(input: { model: "${sonnet}", prompt: { text: $text } }) {
        ... on Completion { cost }
      }
    }`;
    for (const text of ['one', 'two', 'three']) {
      const { complete } = await here.server.data<{ complete: { cost: string } }>(
        ask,
        { text },
        { as },
      );
      expect(complete.cost).toBe('0.0002');
    }
    const { viewer } = await here.server.data<{
      viewer: { budgets: { spent: string; held: string }[] };
    }>('{ viewer { budgets { spent held } } }', {}, { as });
    expect(viewer.budgets).toEqual([{ spent: '0.0006', held: '0' }]);
  });
});

describe('blocks of a Claude stream', () => {
  it.each(['empty-text-before-tool', 'blank-text-before-tool'])(
    'without words are left out when they are sent back: %s',
    async (name) => {
      const run = await runAgent(name);
      expect(run).toMatchObject({ status: 'SUCCEEDED', text: 'done' });
      expect(echoed().map(({ type }) => type)).toEqual(['tool_use']);
    },
  );

  it.each([
    'tool-input-in-start',
    'tool-input-as-text-in-start',
    'indices-from-five',
    'no-indices',
    'end-turn-with-tool',
    'tool-without-stop-event',
  ])('call a tool with its input: %s', async (name) => {
    const run = await runAgent(name);
    expect(run).toMatchObject({ status: 'SUCCEEDED', text: 'done', error: null });
    expect(run.turns[0]!.toolCalls).toMatchObject([
      { tool: 'calculate', input: { expression: '6*7' }, output: { result: '42' }, isError: false },
    ]);
    const [block] = echoed().filter(({ type }) => type === 'tool_use');
    expect(block).toMatchObject({ name: 'calculate', input: { expression: '6*7' } });
  });

  it('of the same index are two calls', async () => {
    const run = await runAgent('same-index-twice');
    expect(run.turns[0]!.toolCalls).toMatchObject([
      { id: 'toolu_a', output: { result: '42' } },
      { id: 'toolu_b', output: { result: '25' } },
    ]);
  });

  it.each([
    ['tool-input-half-pair', '6 \ufffd'],
    ['tool-input-nul', '6\ufffd'],
  ])('hold no text that no database stores: %s', async (name, expression) => {
    const run = await runAgent(name);
    expect(run.turns[0]!.toolCalls).toMatchObject([{ input: { expression }, isError: true }]);
    expect(echoed()).toMatchObject([{ type: 'tool_use', input: { expression } }]);
  });

  it('whose input is not JSON are an error result that the model can repair', async () => {
    const run = await runAgent('tool-input-no-json');
    expect(run).toMatchObject({ status: 'SUCCEEDED', text: 'done' });
    const [call] = run.turns[0]!.toolCalls;
    expect(call).toMatchObject({ tool: 'calculate', isError: true });
    expect(call!.output).toMatch(/not one whole JSON object.*six timesseven/);
    expect(echoed()).toMatchObject([{ type: 'tool_use', input: {} }]);
  });

  it.each(['server-tool-input', 'server-tool-input-in-start'])(
    "of the provider's own tools go back with their input: %s",
    async (name) => {
      here.replay.script(await fixture(`claude/${name}`), await fixture('claude/done'));
      const { runAgent } = await here.server.data<{ runAgent: { status: string } }>(
        `mutation { runAgent(input: {
          agent: "researcher", message: "${name}", model: "${sonnet}"
        }) { ... on AgentRun { status } } }`,
      );
      expect(runAgent.status).toBe('SUCCEEDED');
      const messages = here.replay.requests.at(-1)!['messages'] as { content: unknown }[];
      expect(messages[1]!.content).toMatchObject([
        { type: 'server_tool_use', id: 'srvtoolu_9', input: { query: 'green tea' } },
      ]);
    },
  );
});

describe('text of a Claude stream', () => {
  it('is streamed as it is stored: NUL and half pairs become U+FFFD, a pair in two pieces is whole', async () => {
    const { text, run } = await complete('text-with-nul-and-half-pair');
    expect(text).toBe('A\ufffdB C\ufffdD \u{1f600}');
    expect(run!.text).toBe(text);
  });

  it.each(['without-event-names', 'whole-message'])('is taken: %s', async (name) => {
    const { text, run } = await complete(name);
    expect(text).toBe('Good morning.');
    expect(run!.usage).toMatchObject({ inputTokens: 40, outputTokens: 12, estimated: false });
  });

  it('may be empty', async () => {
    const { run, error } = await complete('empty-answer');
    expect(error).toBeNull();
    expect(run).toMatchObject({ text: '', stopReason: 'end_turn' });
    expect(await runAgent('empty-answer')).toMatchObject({ status: 'SUCCEEDED', text: '' });
  });

  it('that is sent holds no half pair and no NUL', async () => {
    here.replay.script(await fixture('claude/done'));
    await here.server.data(
      `mutation ($text: String!) {
        complete(input: { model: "${sonnet}", prompt: { text: $text } }) { __typename }
      }`,
      { text: 'half \ud83d, none \\ud83d, NUL \0.' },
    );
    const [message] = here.replay.requests.at(-1)!['messages'] as { content: unknown }[];
    expect(message!.content).toMatchObject([{ text: 'half \ufffd, none \\ud83d, NUL \ufffd.' }]);
  });
});

describe('an error of a server that speaks the API of Claude', () => {
  it("shows the server's own reason, behind the text that came", async () => {
    const { error, text } = await complete('error-as-text');
    expect(text).toBe('Good');
    expect(error).toMatchObject({ code: 'MODEL_UNAVAILABLE' });
    expect(error!.message).toContain('worker 7 was restarted');
  });

  it.each([
    [{ detail: 'this adapter has no such model' }, 'this adapter has no such model'],
    [{ error: 'this adapter has no such model' }, 'this adapter has no such model'],
  ])('is read in any shape: %o', async (body, reason) => {
    here.replay.script({ status: 400, body });
    const { complete } = await here.server.data<{ complete: { message: string } }>(
      `mutation { complete(input: { model: "${sonnet}", prompt: { text: "${Object.keys(body)[0]}" } }) {
        ... on ModelRefusedError { message }
      } }`,
    );
    expect(complete.message).toContain(reason);
  });
});
