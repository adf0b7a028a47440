import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { startDemoModel } from '../../../src/demo-model/demo-model-server.ts';
import type { Fault } from '../../../src/demo-model/faults/fault.ts';
import type { Log } from '../../../src/kernel/log.ts';
import type { ModelCall, ModelEvent } from '../../../src/kernel/model.ts';
import {
  type ClaudeProviderOptions,
  createClaudeProvider,
} from '../../../src/model/providers/claude/claude-provider.ts';
import { testLog } from '../../support/test-log.ts';
import { userText } from '../support/start-test-models.ts';
import { describeProvider, type ScriptedAnswer } from './provider-contract.ts';

function faultOf(answer: ScriptedAnswer): Fault {
  switch (answer.kind) {
    case 'text':
      return { kind: 'reply', text: answer.text };
    case 'tool_call':
      return { kind: 'tool_calls', calls: [{ name: answer.name, input: answer.input }] };
    case 'broken_tool_call':
      return { kind: 'broken_tool_input' };
    case 'max_tokens':
      return { kind: 'max_tokens', afterDeltas: 2 };
    case 'silence':
      return { kind: 'stall' };
    case 'status':
    case 'refusal':
      return answer;
    default:
      return { kind: answer.kind, afterDeltas: 2 };
  }
}

describeProvider('Claude', async () => {
  const demo = await startDemoModel();
  const provider = createClaudeProvider({ apiKey: 'test', baseURL: demo.url, log: testLog });
  return {
    provider,
    model: 'claude-haiku-5-5',
    script: (answer) => demo.script(faultOf(answer)),
    lastRequest: () => demo.requests.at(-1)?.body,
    waitForOpenCalls: (count) => demo.waitForOpenCalls(count),
    async [Symbol.asyncDispose]() {
      await demo.waitForOpenCalls(0);
      await provider.close?.();
      await demo.close();
    },
  };
});

const { signal } = new AbortController();

async function startClaude(options: Partial<ClaudeProviderOptions> = {}) {
  const demo = await startDemoModel();
  const provider = createClaudeProvider({
    apiKey: 'test',
    baseURL: demo.url,
    log: testLog,
    ...options,
  });
  const read = async (call: Partial<ModelCall>) => {
    const events: ModelEvent[] = [];
    const whole = { model: 'claude-haiku-5-5', messages: [], maxTokens: 900, ...call };
    for await (const event of provider.stream(whole, { signal })) events.push(event);
    const finish = events.at(-1) as Extract<ModelEvent, { type: 'finish' }>;
    return { events, finish };
  };
  return {
    demo,
    read,
    sent: () => demo.requests.at(-1)!.body!,
    async [Symbol.asyncDispose]() {
      await demo.waitForOpenCalls(0);
      await provider.close?.();
      await demo.close();
    },
  };
}

const longText = 'The tiles of a mosaic are called tesserae. '.repeat(160);

describe('Claude', () => {
  it('cites the passages it was given, in turns and in tool results', async () => {
    await using claude = await startClaude();
    const passages = ['The lighthouse was built in 1847.', 'Its keeper was Ada Moss.'];
    const block = { type: 'search_result' as const, source: 'a.md', title: 'Lighthouse', passages };
    const question = { type: 'text' as const, text: 'When was the lighthouse built?' };
    const { events, finish } = await claude.read({
      messages: [{ role: 'user', content: [block, question] }],
    });
    const citations = events.flatMap((event) =>
      event.type === 'citation' ? [event.citation] : [],
    );
    expect(citations).not.toEqual([]);
    for (const { searchResultIndex, startPassage, endPassage, citedText } of citations) {
      expect(searchResultIndex).toBe(0);
      expect(passages.slice(startPassage, endPassage).join('')).toContain(citedText);
    }
    expect(JSON.stringify(finish.message.verbatim)).toContain('search_result_location');
    const [sent] = claude.sent().messages[0]!.content as unknown as Record<string, unknown>[];
    expect(sent).toMatchObject({ citations: { enabled: true } });
  });

  it('sends its own turns back word for word, thinking and signatures too', async () => {
    await using claude = await startClaude();
    const tools = [
      { name: 'add', description: 'Adds.', inputSchema: { type: 'object', properties: {} } },
    ];
    const asked = userText('[demo:think] [demo:tool add {"a": 1}]');
    const first = await claude.read({ messages: [asked], tools, thinking: true });
    expect(claude.sent().thinking).toEqual({ type: 'adaptive', display: 'summarized' });
    expect(first.events.some(({ type }) => type === 'thinking')).toBe(true);
    const [call] = first.finish.message.content.filter(({ type }) => type === 'tool_call');
    const toolCallId = (call as { id: string }).id;
    const result = { type: 'tool_result' as const, toolCallId, content: [], isError: false };
    const stored = JSON.parse(JSON.stringify(first.finish.message));
    const messages: ModelCall['messages'] = [asked, stored, { role: 'user', content: [result] }];
    await claude.read({ messages, tools, thinking: true });
    const content = claude.sent().messages[1]!.content;
    expect(content).toEqual(first.finish.message.verbatim!.content);
    expect(JSON.stringify(content)).toMatch(/"type":"thinking".*"signature":"[^"]+"/);
  });

  it('hands the output format, and no citations with it', async () => {
    await using claude = await startClaude();
    const outputSchema = z.object({ mood: z.enum(['good', 'bad']), why: z.string().min(3) });
    const block = { type: 'search_result' as const, source: 's', title: 't', passages: ['p'] };
    const content = [block, { type: 'text' as const, text: 'How is the mood?' }];
    const { events } = await claude.read({ messages: [{ role: 'user', content }], outputSchema });
    const text = events.map((event) => (event.type === 'text' ? event.text : '')).join('');
    expect(outputSchema.safeParse(JSON.parse(text)).success).toBe(true);
    expect(claude.sent().output_config?.format).toMatchObject({ type: 'json_schema' });
    expect(JSON.stringify(claude.sent().messages)).toContain('"enabled":false');
  });

  it('sends neither sampling parameters nor empty blocks, and its effort', async () => {
    await using claude = await startClaude();
    const content = [
      { type: 'text' as const, text: '' },
      { type: 'text' as const, text: 'Hi' },
    ];
    await claude.read({ messages: [{ role: 'user', content }], effort: 'low' });
    expect(claude.sent()).toEqual({
      model: 'claude-haiku-5-5',
      max_tokens: 900,
      stream: true,
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
      output_config: { effort: 'low' },
    });
  });
});

describe('prompt caching', () => {
  it('reads a long system prompt that came before with another question', async () => {
    await using claude = await startClaude();
    const first = await claude.read({ system: longText, messages: [userText('One?')] });
    const second = await claude.read({ system: longText, messages: [userText('Two?')] });
    expect(first.finish.usage.cacheWrite5mTokens).toBeGreaterThan(1_000);
    expect(second.finish.usage.cacheReadTokens).toBe(first.finish.usage.cacheWrite5mTokens);
  });

  it('reads a conversation that goes on', async () => {
    await using claude = await startClaude();
    const opening = userText(longText + longText);
    const first = await claude.read({ messages: [opening] });
    const messages = [opening, first.finish.message, userText('And then?')];
    const second = await claude.read({ messages });
    expect(second.finish.usage.cacheReadTokens).toBeGreaterThan(1_000);
    expect(second.finish.usage.cacheWrite5mTokens).toBeGreaterThan(0);
  });

  it.each<[string, Partial<ModelCall>]>([
    ['a short prompt', { system: 'Be brief.', messages: [userText('Hi')] }],
    [
      'what was retrieved for one question',
      {
        messages: [
          {
            role: 'user',
            content: [
              { type: 'search_result', source: 's', title: 't', passages: [longText] },
              { type: 'text', text: 'What?' },
            ],
          },
        ],
      },
    ],
  ])('is not asked for with %s', async (_name, call) => {
    await using claude = await startClaude();
    await claude.read(call);
    expect(JSON.stringify(claude.sent())).not.toContain('cache_control');
  });

  it('can be switched off', async () => {
    await using claude = await startClaude({ promptCaching: false });
    const { finish } = await claude.read({ system: longText, messages: [userText('One?')] });
    expect(finish.usage).toMatchObject({ cacheReadTokens: 0, cacheWrite5mTokens: 0 });
  });
});

describe('the log of a broken stream', () => {
  it('says so, and nothing of what it held', async () => {
    const said: string[] = [];
    const note = (fields: object, message: string) =>
      void said.push(`${JSON.stringify(fields)} ${message}`);
    const log: Log = { debug: note, info: note, warn: note, error: note, child: () => log };
    const printed = vi.spyOn(console, 'error');
    await using claude = await startClaude({ log });
    claude.demo.script({ kind: 'garbage', afterDeltas: 1 });
    await expect(claude.read({ messages: [userText('Hi')] })).rejects.toThrow('broke off');
    expect(said.join('\n')).toContain('stream from Claude broke');
    expect(said.join('\n')).not.toContain('oh no');
    expect(printed).not.toHaveBeenCalled();
  });
});
