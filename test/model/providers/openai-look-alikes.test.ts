import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixture } from '../support/start-replay.ts';
import { type ReplayServer, startReplayServer } from '../support/start-replay-server.ts';

let here: ReplayServer;
beforeAll(async () => {
  here = await startReplayServer();
});
afterAll(async () => here[Symbol.asyncDispose]());

const complete = async (name: string) => here.complete(await fixture(`openai/${name}`), 'openai/m');
const runAgent = async (name: string) => here.runAgent(await fixture(`openai/${name}`), 'openai/m');

interface SentMessage {
  role: string;
  tool_call_id?: string;
  tool_calls?: { id: string; function: { name: string; arguments: string } }[];
  [field: string]: unknown;
}

/** The messages of the second request: what was said, and what the tools gave. */
const sentBack = (): SentMessage[] => here.replay.requests[1]!['messages'] as SentMessage[];

const six = { input: { expression: '6*7' }, output: { result: '42' }, isError: false };
const five = { input: { expression: '5*5' }, output: { result: '25' }, isError: false };

describe('tool calls of an OpenAI-compatible server', () => {
  it.each([
    'parallel-same-index-in-pieces',
    'parallel-same-index-no-id',
    'parallel-no-index-no-id',
    'index-null',
    'index-from-1-interleaved',
    'ids-the-same',
    'ids-empty',
    'ids-missing',
  ])('are two, each answered under an id of its own: %s', async (name) => {
    const run = await runAgent(name);
    expect(run).toMatchObject({ status: 'SUCCEEDED', text: 'done', error: null });
    expect(run.turns[0]!.toolCalls).toMatchObject([six, five]);
    const [assistant, ...results] = sentBack().slice(-3);
    const ids = assistant!.tool_calls!.map(({ id }) => id);
    expect(new Set(ids).size).toBe(2);
    expect(results.map(({ tool_call_id }) => tool_call_id)).toEqual(ids);
  });

  it.each([
    'id-and-name-in-each-piece',
    'new-id-for-each-piece',
    'name-in-pieces',
    'name-of-namespace',
    'id-of-colons',
    'arguments-as-object',
    'arguments-encoded-twice',
    'arguments-behind-empty-object',
    'legacy-function-call',
    'stop-with-calls',
  ])('are one: %s', async (name) => {
    const run = await runAgent(name);
    expect(run).toMatchObject({ status: 'SUCCEEDED', text: 'done', error: null });
    expect(run.turns[0]!.toolCalls).toMatchObject([{ tool: 'calculate', ...six }]);
    const [call] = sentBack().at(-2)!.tool_calls!;
    expect(call!.function).toEqual({ name: 'calculate', arguments: '{"expression":"6*7"}' });
  });

  it.each([
    ['arguments-no-json', /not one whole JSON object.*six/],
    ['arguments-list', /not one whole JSON object/],
    ['name-missing', /There is no tool "unknown_tool"\. The tools are: .*calculate/],
  ])('that cannot be made are error results that the model can repair: %s', async (name, said) => {
    const run = await runAgent(name);
    expect(run).toMatchObject({ status: 'SUCCEEDED', text: 'done' });
    expect(run.turns[0]!.toolCalls).toMatchObject([{ isError: true }]);
    expect(run.turns[0]!.toolCalls[0]!.output).toMatch(said);
    const [call] = sentBack().at(-2)!.tool_calls!;
    expect(() => JSON.parse(call!.function.arguments) as unknown).not.toThrow();
  });

  it.each([
    ['reasoning-and-signature', { reasoning_content: 'Six sevens: calculate.' }],
    [
      'reasoning-of-other-name',
      {
        reasoning: 'Six sevens.',
        reasoning_details: [{ type: 'reasoning.text', text: 'Six sevens.' }],
      },
    ],
  ])('go back with the thinking before them: %s', async (name, fields) => {
    const run = await runAgent(name);
    expect(run.turns[0]!.toolCalls).toMatchObject([six]);
    expect(sentBack().at(-2)).toMatchObject(fields);
  });

  it('go back with the signature of their thought', async () => {
    await runAgent('reasoning-and-signature');
    expect(sentBack().at(-2)!.tool_calls).toMatchObject([
      { id: 'call_a', extra_content: { google: { thought_signature: 'c2ln' } } },
    ]);
    await runAgent('signature-of-the-message');
    expect(sentBack().at(-2)).toMatchObject({
      content: 'Let me see.',
      extra_content: { google: { thought_signature: 'bXNn' } },
    });
  });
});

describe('the numbers of an OpenAI-compatible server', () => {
  it.each([
    ['usage-without-output', { inputTokens: 20, outputTokens: 2, estimated: true }],
    ['usage-null-numbers', { outputTokens: 2, estimated: true }],
    ['usage-null', { outputTokens: 2, estimated: true }],
    ['usage-in-the-middle', { inputTokens: 20, outputTokens: 10, estimated: true }],
    ['usage-of-each-chunk', { inputTokens: 20, outputTokens: 2, estimated: false }],
    ['usage-of-the-total', { inputTokens: 20, outputTokens: 8, estimated: false }],
    ['usage-without-reasoning', { inputTokens: 20, outputTokens: 608, estimated: false }],
    ['usage-reasoning-no-total', { inputTokens: 20, outputTokens: 608, estimated: false }],
    ['usage-in-the-choice', { inputTokens: 20, outputTokens: 8, estimated: false }],
    ['usage-odd-numbers', { outputTokens: 2, estimated: true }],
  ])('are merged or estimated: %s', async (name, usage) => {
    const { run, error, text } = await complete(name);
    expect(error).toBeNull();
    expect(text).toMatch(/^Hello/);
    expect(run).toMatchObject({ text, stopReason: 'end_turn', usage });
    expect(run!.usage.inputTokens).toBeGreaterThan(0);
  });
});

describe('text and thinking of an OpenAI-compatible server', () => {
  it.each([
    ['content-parts', 'Greet.', 'Hello.'],
    ['content-parts-of-text', '', 'Hello.'],
    ['reasoning-field', 'Greet.', 'Hello.'],
    ['reasoning-content-field', 'Greet.', 'Hello.'],
    ['think-tags-in-pieces', 'Greet.', 'Hello.'],
    ['think-tags-later-are-text', '', 'Write <think>so</think>.'],
    ['think-tag-alone', 'Greet.', ''],
    ['empty-data-lines', '', 'Hello.'],
    ['no-blank-lines', '', 'Hello.'],
    ['carriage-returns', '', 'Hello.'],
    ['no-finish-reason', '', 'Hello.'],
    ['no-done', '', 'Hello.'],
    ['whole-completion', '', 'Hello.'],
    ['empty-answer', '', ''],
    ['text-with-nul-and-half-pair', '', 'A\ufffdB C\ufffdD \u{1f600}'],
  ])('are told apart: %s', async (name, thinking, text) => {
    const answer = await complete(name);
    expect(answer).toMatchObject({ error: null, thinking, text, run: { text } });
    expect(answer.run!.usage).toMatchObject({ inputTokens: 20, outputTokens: 8, estimated: false });
  });
});
