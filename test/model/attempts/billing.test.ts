import { describe, expect, it } from 'vitest';
import type { Fault } from '../../../src/demo-model/faults/fault.ts';
import type { AttemptReport } from '../../../src/model/models.ts';
import {
  domainError,
  haiku,
  sonnet,
  startTestModels,
  type TestModels,
} from '../support/start-test-models.ts';

/** Our reports beside the provider's books, call by call. */
function compare(test: TestModels, attempts: AttemptReport[]): void {
  const billed = attempts.filter((attempt) => attempt.billed);
  const { calls } = test.demo.billing;
  expect(billed).toHaveLength(calls.length);
  for (const [index, { model, usage, estimated }] of billed.entries()) {
    const call = calls[index]!;
    expect(model).toBe(call.model);
    expect(usage).toMatchObject({
      inputTokens: call.inputTokens,
      cacheReadTokens: call.cacheReadTokens,
      cacheWrite5mTokens: call.cacheWrite5mTokens,
    });
    const allowed = estimated ? Math.max(20, call.outputTokens * 0.1) : 0;
    expect(Math.abs(usage.outputTokens - call.outputTokens)).toBeLessThanOrEqual(allowed);
  }
}

describe('what is billed is reported', () => {
  it.each<[string, Fault]>([
    ['a whole answer', { kind: 'pass' }],
    ['an answer cut off', { kind: 'cut', afterDeltas: 200 }],
    ['an answer that was reset', { kind: 'reset', afterDeltas: 200 }],
    ['an error inside the stream', { kind: 'error_event', afterDeltas: 200 }],
    ['garbage', { kind: 'garbage', afterDeltas: 200 }],
    ['a stalled stream', { kind: 'stall', afterDeltas: 200 }],
    ['a refusal', { kind: 'refusal', afterDeltas: 100 }],
    ['an answer at its limit', { kind: 'max_tokens', afterDeltas: 150 }],
    ['an answer retried before its first token', { kind: 'cut', afterDeltas: 0 }],
    ['an attempt refused before it began', { kind: 'status', status: 529 }],
  ])('for %s', async (_name, fault) => {
    await using test = await startTestModels({ idleTimeoutMs: 200 });
    test.demo.script(fault);
    const { attempts } = await test.ask('[demo:words 400]');
    await test.demo.waitForOpenCalls(0);
    compare(test, attempts);
  });

  it('for an answer aborted in the middle', async () => {
    await using test = await startTestModels();
    const caller = new AbortController();
    test.demo.script({ kind: 'gate', afterDeltas: 640 });
    const asked = test.ask('[demo:words 900]', { signal: caller.signal });
    await test.demo.waitForGatedCalls(1);
    caller.abort();
    const { attempts } = await asked;
    await test.demo.waitForOpenCalls(0);
    expect(attempts).toMatchObject([{ status: 'cancelled', estimated: true }]);
    expect(attempts[0]!.usage.outputTokens).toBeGreaterThan(100);
    compare(test, attempts);
  });

  it('for a tool call aborted in the middle', async () => {
    await using test = await startTestModels({ idleTimeoutMs: 150 });
    const input = { text: 'word '.repeat(300) };
    test.demo.script({ kind: 'stall', afterDeltas: 40 });
    const tools = [
      { name: 'save', description: 'Saves.', inputSchema: { type: 'object', properties: {} } },
    ];
    const { attempts } = await test.ask(`[demo:tool save ${JSON.stringify(input)}]`, { tools });
    await test.demo.waitForOpenCalls(0);
    expect(attempts[0]).toMatchObject({ billed: true, estimated: true });
    expect(attempts[0]!.usage.outputTokens).toBeGreaterThan(20);
    compare(test, attempts);
  });

  it('for every attempt of a chain', async () => {
    await using test = await startTestModels();
    test.demo.script(
      { kind: 'cut', afterDeltas: 0, times: 3, match: { model: haiku } },
      { kind: 'status', status: 529, match: { model: sonnet } },
    );
    const { attempts, text } = await test.ask('[demo:words 30]', { chain: [haiku, sonnet] });
    expect(text).not.toBe('');
    expect(attempts.map(({ billed }) => billed)).toEqual([true, true, true, false, true]);
    compare(test, attempts);
  });

  it('in tokens of bytes, not of characters', async () => {
    await using test = await startTestModels();
    const text = 'Über Größe: 漢字漢字 '.repeat(60);
    const { attempts } = await test.ask(`[demo:reply ${text}] [demo:fault cut after=150]`);
    expect(attempts).toMatchObject([{ estimated: true }]);
    compare(test, attempts);
  });
});

describe('refusals and limits', () => {
  it('are answers, not errors', async () => {
    await using test = await startTestModels();
    test.demo.script({ kind: 'refusal', explanation: 'I may not.', afterDeltas: 2 });
    const { error, finish } = await test.ask('[demo:words 9]');
    expect(error).toBeUndefined();
    expect(finish).toMatchObject({ stopReason: 'refusal', refusal: 'I may not.' });
  });

  it.each<[Fault, string]>([
    [{ kind: 'max_tokens', afterDeltas: 3 }, 'max_tokens'],
    [{ kind: 'pause_turn' }, 'pause_turn'],
    [{ kind: 'model_context_window_exceeded' }, 'context_window_exceeded'],
  ])('tell %o as %s', async (fault, stopReason) => {
    await using test = await startTestModels();
    test.demo.script(fault);
    const { finish } = await test.ask('[demo:words 9]');
    expect(finish?.stopReason).toBe(stopReason);
  });

  it('an unknown model is MODEL_NOT_FOUND', async () => {
    await using test = await startTestModels();
    const { error } = await test.ask('Hello', { chain: ['gpt-unheard-of'] });
    expect(domainError(error).code).toBe('MODEL_NOT_FOUND');
  });
});
