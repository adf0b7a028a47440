import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Message, ModelProvider } from '../../../src/kernel/model.ts';
import { createClaudeProvider } from '../../../src/model/providers/claude/claude-provider.ts';
import { createOpenAiProvider } from '../../../src/model/providers/openai/openai-provider.ts';
import { testLog } from '../../support/test-log.ts';
import { fixture, type Replay, type ReplayAnswer, startReplay } from '../support/start-replay.ts';
import { userText } from '../support/start-test-models.ts';

let replay: Replay;
beforeEach(async () => {
  replay = await startReplay();
});
afterEach(async () => replay[Symbol.asyncDispose]());

/** A turn of another provider that calls a tool under this id, and its result. */
function turn(id: string): Message[] {
  const content = [{ type: 'tool_call' as const, id, name: 'add', input: { a: 1 } }];
  const said = { provider: 'another', content: {} };
  const result = [{ type: 'text' as const, text: `result of ${id}` }];
  return [
    { role: 'assistant', content, verbatim: said },
    {
      role: 'user',
      content: [{ type: 'tool_result', toolCallId: id, content: result, isError: false }],
    },
  ];
}

async function send(provider: ModelProvider, messages: Message[], ...answers: ReplayAnswer[]) {
  replay.script(...answers);
  const signal = new AbortController().signal;
  const call = { model: 'm', maxTokens: 9, messages: [userText('Hi'), ...messages] };
  const sink = { start() {}, text() {}, thinking() {}, citation() {}, usage() {} };
  try {
    await provider.call!(call, { signal }, sink);
  } finally {
    await provider.close!();
  }
  return replay.requests.at(-1)!['messages'] as Record<string, unknown>[];
}

const claude = () => createClaudeProvider({ apiKey: 'k', baseURL: replay.url, log: testLog });
const openAi = () => createOpenAiProvider({ baseURL: `${replay.url}/v1`, log: testLog });

describe("another provider's tool calls", () => {
  it.each(['functions.add:0', 'call with spaces', 'ä', 'x'.repeat(90), '', 'call_plain'])(
    'go to Claude under an id that it takes: %s',
    async (id) => {
      const [, assistant, user] = await send(claude(), turn(id), await fixture('claude/done'));
      const [call] = assistant!['content'] as { id: string }[];
      const [result] = user!['content'] as { tool_use_id: string }[];
      expect(call!.id).toMatch(/^[A-Za-z0-9_-]+$/);
      expect(result!.tool_use_id).toBe(call!.id);
      if (id === 'call_plain') expect(call!.id).toBe(id);
    },
  );

  it('of the same id in each turn have one of their own each, and always the same', async () => {
    const conversation = [...turn('call_0'), ...turn('call_0')];
    const first = await send(claude(), conversation, await fixture('claude/done'));
    const ids = [1, 3].map((at) => (first[at]!['content'] as { id: string }[])[0]!.id);
    const results = [2, 4].map(
      (at) => (first[at]!['content'] as { tool_use_id: string }[])[0]!.tool_use_id,
    );
    expect(new Set(ids).size).toBe(2);
    expect(results).toEqual(ids);
    expect(await send(claude(), conversation, await fixture('claude/done'))).toEqual(first);
  });

  it.each(['toolu_01'.padEnd(60, 'x'), 'functions.add:0', 'call_plain'])(
    'go to an OpenAI-compatible server under an id that it takes: %s',
    async (id) => {
      const sent = await send(openAi(), turn(id), await fixture('openai/done'));
      const [call] = sent[1]!['tool_calls'] as { id: string }[];
      expect(call!.id).toMatch(/^[A-Za-z0-9_-]{1,40}$/);
      expect(sent[2]!['tool_call_id']).toBe(call!.id);
    },
  );

  it('go again under nine letters and digits to a server that wants those', async () => {
    const message =
      'Tool call id was call_plain but must be a-z, A-Z, 0-9, with a length of 9. Invalid.';
    const refusal = { status: 400, body: { object: 'error', message } };
    const replies = [refusal, await fixture('openai/done')];
    replay.answerToolResults = false;
    const sent = await send(openAi(), turn('call_plain'), ...replies);
    const [call] = sent[1]!['tool_calls'] as { id: string }[];
    expect(call!.id).toMatch(/^[A-Za-z0-9]{9}$/);
    expect(sent[2]!['tool_call_id']).toBe(call!.id);
  });

  it('whose input was no JSON go as an empty object', async () => {
    const [assistant, result] = turn('a');
    const content = [{ type: 'tool_call' as const, id: 'a', name: 'add', input: 'a = 1' }];
    const broken = [{ ...assistant!, content } as Message, result!];
    const [, toClaude] = await send(claude(), broken, await fixture('claude/done'));
    expect(toClaude!['content']).toMatchObject([{ input: {} }]);
    const [, toOpenAi] = await send(openAi(), broken, await fixture('openai/done'));
    expect(toOpenAi!['tool_calls']).toMatchObject([{ function: { arguments: '{}' } }]);
  });

  it('leave no message behind that is empty', async () => {
    const empty: Message = { role: 'assistant', content: [{ type: 'text', text: '' }] };
    const messages = [empty, userText('And?')];
    const toClaude = await send(claude(), messages, await fixture('claude/done'));
    expect(toClaude.map(({ role }) => role)).toEqual(['user', 'user']);
    const toOpenAi = await send(openAi(), messages, await fixture('openai/done'));
    expect(toOpenAi.map(({ role }) => role)).toEqual(['user', 'user']);
  });
});
