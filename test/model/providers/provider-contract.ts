import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ModelCall, ModelEvent, ModelProvider } from '../../../src/kernel/model.ts';
import { domainError, userText } from '../support/start-test-models.ts';

/** How the next call is answered, in no provider's dialect. */
export type ScriptedAnswer =
  | { kind: 'text'; text: string }
  | { kind: 'tool_call'; name: string; input: Record<string, unknown> }
  /** A tool call whose JSON stops in the middle, because of `max_tokens`. */
  | { kind: 'broken_tool_call' }
  | { kind: 'max_tokens' }
  | { kind: 'refusal' }
  | { kind: 'status'; status: number; retryAfterSeconds?: number }
  /** After some text. */
  | { kind: 'cut' | 'error_event' | 'garbage' | 'stall' }
  | { kind: 'silence' };

export interface ProviderHarness extends AsyncDisposable {
  provider: ModelProvider;
  model: string;
  script(answer: ScriptedAnswer): void;
  /** The latest request's body. */
  lastRequest(): unknown;
  waitForOpenCalls(count: number): Promise<void>;
}

const tool = {
  name: 'add',
  description: 'Adds two numbers.',
  inputSchema: { type: 'object', properties: { a: { type: 'number' } }, required: ['a'] },
};

interface Read {
  events: ModelEvent[];
  error: unknown;
  finish: Extract<ModelEvent, { type: 'finish' }>;
  text: string;
}

/** What every provider of models must do. */
export function describeProvider(name: string, start: () => Promise<ProviderHarness>): void {
  const callOf = (harness: ProviderHarness, call: Partial<ModelCall> = {}): ModelCall => ({
    model: harness.model,
    messages: [userText('Please answer this question at some length, with several words.')],
    maxTokens: 500,
    ...call,
  });
  const ask = async (
    harness: ProviderHarness,
    call: Partial<ModelCall> = {},
    options: { signal?: AbortSignal; onActivity?: () => void } = {},
  ): Promise<Read> => {
    const events: ModelEvent[] = [];
    const signal = options.signal ?? new AbortController().signal;
    let error: unknown;
    try {
      const stream = harness.provider.stream(callOf(harness, call), { ...options, signal });
      for await (const event of stream) events.push(event);
    } catch (thrown) {
      error = thrown;
    }
    const finish = events.find((event) => event.type === 'finish')!;
    const text = events.map((event) => (event.type === 'text' ? event.text : '')).join('');
    return { events, error, finish, text };
  };

  describe(`${name} as a provider`, () => {
    it('tells start first and finish last, once, with the same text', async () => {
      await using harness = await start();
      harness.script({ kind: 'text', text: 'One and two, ä and 漢.' });
      const { events, finish, text, error } = await ask(harness);
      expect(error).toBeUndefined();
      expect(events[0]?.type).toBe('start');
      expect(events.at(-1)).toBe(finish);
      expect(events.filter(({ type }) => type === 'start' || type === 'finish')).toHaveLength(2);
      expect(text).toBe('One and two, ä and 漢.');
      expect(finish.stopReason).toBe('end_turn');
      expect(finish.message.content).toEqual([{ type: 'text', text }]);
    });

    it('tells what is billed, and never estimates the input below it', async () => {
      await using harness = await start();
      const messages = [userText('Größenwahn und 漢字 '.repeat(200))];
      const { finish, events } = await ask(harness, {
        messages,
        system: 'Be brief.',
        tools: [tool],
      });
      const { inputTokens, cacheReadTokens, cacheWrite5mTokens, outputTokens } = finish.usage;
      const prompt = inputTokens + cacheReadTokens + cacheWrite5mTokens;
      expect(prompt).toBeGreaterThan(0);
      expect(outputTokens).toBeGreaterThan(0);
      expect(events.filter(({ type }) => type === 'usage').at(-1)).toMatchObject({
        usage: finish.usage,
      });
      const call = callOf(harness, { messages, system: 'Be brief.', tools: [tool] });
      expect(harness.provider.estimateInputTokens(call)).toBeGreaterThanOrEqual(prompt);
    });

    it('says when it is heard', async () => {
      await using harness = await start();
      let heard = 0;
      await ask(
        harness,
        {},
        {
          onActivity: () => {
            heard += 1;
          },
        },
      );
      expect(heard).toBeGreaterThan(0);
    });

    it('calls tools, and takes their results', async () => {
      await using harness = await start();
      harness.script({ kind: 'tool_call', name: 'add', input: { a: 2, text: 'x "y" {' } });
      const first = await ask(harness, { tools: [tool] });
      expect(first.finish.stopReason).toBe('tool_use');
      const [toolCall] = first.finish.message.content.filter(({ type }) => type === 'tool_call');
      expect(toolCall).toMatchObject({ name: 'add', input: { a: 2, text: 'x "y" {' } });
      const toolCallId = (toolCall as { id: string }).id;
      harness.script({ kind: 'text', text: 'It is 2.' });
      const result = { type: 'text' as const, text: 'the sum is 2' };
      const second = await ask(harness, {
        tools: [tool],
        messages: [
          userText('Add.'),
          first.finish.message,
          {
            role: 'user',
            content: [{ type: 'tool_result', toolCallId, content: [result], isError: false }],
          },
        ],
      });
      expect(second.error).toBeUndefined();
      expect(second.text).toBe('It is 2.');
      const sent = JSON.stringify(harness.lastRequest());
      expect(sent).toContain('the sum is 2');
      expect(sent.split(toolCallId)).toHaveLength(3);
    });

    it("takes another provider's turn by its content", async () => {
      await using harness = await start();
      const foreign = {
        role: 'assistant' as const,
        content: [{ type: 'text' as const, text: 'I said so before.' }],
        verbatim: { provider: 'somebody-else', content: [{ secret: 'unreadable' }] },
      };
      const { error } = await ask(harness, {
        messages: [userText('Hi'), foreign, userText('And?')],
      });
      expect(error).toBeUndefined();
      expect(JSON.stringify(harness.lastRequest())).toContain('I said so before.');
      expect(JSON.stringify(harness.lastRequest())).not.toContain('unreadable');
    });

    it('never makes an input of truncated JSON', async () => {
      await using harness = await start();
      harness.script({ kind: 'broken_tool_call' });
      const { finish, error } = await ask(harness, { tools: [tool] });
      expect(error).toBeUndefined();
      expect(finish.stopReason).toBe('max_tokens');
      expect(finish.message.content.filter(({ type }) => type === 'tool_call')).toEqual([]);
      expect(JSON.stringify(finish.message.verbatim ?? '')).not.toContain('tool_use');
    });

    it('asks for output of a schema', async () => {
      await using harness = await start();
      const outputSchema = z.object({ city: z.string(), size: z.number().nullable() });
      harness.script({ kind: 'text', text: '{"city":"Oslo","size":null}' });
      const { text, error } = await ask(harness, { outputSchema });
      expect(error).toBeUndefined();
      expect(outputSchema.parse(JSON.parse(text))).toEqual({ city: 'Oslo', size: null });
      expect(JSON.stringify(harness.lastRequest())).toContain('"json_schema"');
    });

    it.each([
      ['records', z.object({ map: z.record(z.string(), z.number()) })],
      ['dates', z.object({ day: z.date() })],
    ])('refuses a schema with %s before it calls', async (_name, outputSchema) => {
      await using harness = await start();
      const { error } = await ask(harness, { outputSchema });
      expect(domainError(error).code).toBe('MODEL_REFUSED');
      expect(harness.lastRequest()).toBeUndefined();
    });

    it.each([
      [{ kind: 'max_tokens' as const }, 'max_tokens'],
      [{ kind: 'refusal' as const }, 'refusal'],
    ])('tells %o as a stop reason', async (answer, stopReason) => {
      await using harness = await start();
      harness.script(answer);
      expect((await ask(harness)).finish).toMatchObject({ stopReason });
    });

    it.each([
      [400, 'MODEL_REFUSED', false],
      [401, 'MODEL_UNAVAILABLE', false],
      [403, 'MODEL_UNAVAILABLE', false],
      [404, 'MODEL_NOT_FOUND', false],
      [413, 'MODEL_REFUSED', false],
      [429, 'MODEL_RATE_LIMITED', true],
      [500, 'MODEL_UNAVAILABLE', true],
      [504, 'MODEL_TIMEOUT', true],
      [529, 'MODEL_OVERLOADED', true],
    ])('makes one attempt, and a typed error of a %i', async (status, code, retryable) => {
      await using harness = await start();
      harness.script({ kind: 'status', status, retryAfterSeconds: 7 });
      const { error, events } = await ask(harness);
      expect(domainError(error)).toMatchObject({ code, retryable });
      expect(events).toEqual([]);
      if (status === 429) expect(domainError(error).details).toEqual({ retryAfterMs: 7_000 });
      expect((await ask(harness)).error).toBeUndefined();
    });

    it.each(['cut', 'error_event', 'garbage'] as const)(
      'fails by %s with its bill',
      async (kind) => {
        await using harness = await start();
        harness.script({ kind });
        const { error, events, finish, text } = await ask(harness);
        expect(domainError(error).retryable).toBe(true);
        expect(domainError(error).code).toMatch(/^MODEL_(UNAVAILABLE|OVERLOADED)$/);
        expect(finish).toBeUndefined();
        expect(text).not.toBe('');
        expect(events.at(-1)).toMatchObject({ type: 'usage', estimated: true });
      },
    );

    it.each(['silence', 'stall'] as const)('is aborted at once in %s', async (kind) => {
      await using harness = await start();
      const caller = new AbortController();
      harness.script({ kind });
      const asked = ask(harness, {}, { signal: caller.signal });
      await harness.waitForOpenCalls(1);
      caller.abort(new Error('enough'));
      expect((await asked).error).toBe(caller.signal.reason);
      await harness.waitForOpenCalls(0);
    });

    it('does not call when aborted before', async () => {
      await using harness = await start();
      const { error } = await ask(harness, {}, { signal: AbortSignal.abort('before') });
      expect(error).toBe('before');
      expect(harness.lastRequest()).toBeUndefined();
    });

    it('hangs up when its reader leaves', async () => {
      await using harness = await start();
      harness.script({ kind: 'stall' });
      const { signal } = new AbortController();
      for await (const { type } of harness.provider.stream(callOf(harness), { signal })) {
        if (type === 'text') break;
      }
      await harness.waitForOpenCalls(0);
    });

    it('lists its models', async () => {
      await using harness = await start();
      const models = await harness.provider.listModels();
      expect(models.map(({ id }) => id)).toContain(harness.model);
    });
  });
}
