import { describe, expect, it } from 'vitest';
import { domainError, haiku, sonnet, startTestModels } from '../support/start-test-models.ts';

describe('deadline', () => {
  it.each([
    ['before the first byte', { kind: 'stall' as const }],
    ['in the middle', { kind: 'stall' as const, afterDeltas: 2 }],
  ])('ends a call that is silent %s', async (_name, fault) => {
    await using test = await startTestModels();
    test.demo.script({ ...fault, times: 9 });
    const { error, attempts } = await test.ask('[demo:words 20]', { timeoutMs: 200 });
    expect(domainError(error).code).toBe('MODEL_TIMEOUT');
    expect(attempts).toMatchObject([{ status: 'failed' }]);
    expect(test.demo.requests).toHaveLength(1);
  });

  it('starts neither retry nor fallback that it would cut off', async () => {
    await using test = await startTestModels({ firstByteTimeoutMs: 200 });
    test.demo.script({ kind: 'stall', times: 9 });
    const chain = [haiku, sonnet, 'claude-opus-5-5'];
    const { error } = await test.ask('Hello', { timeoutMs: 500, chain });
    expect(domainError(error).code).toBe('MODEL_TIMEOUT');
    expect(test.demo.requests.length).toBeLessThanOrEqual(3);
    expect(test.demo.requests.every(({ body }) => body?.model === haiku)).toBe(true);
  });

  it('ends the wait for a retry', async () => {
    await using test = await startTestModels({ retryBaseMs: 100_000 });
    test.demo.script({ kind: 'status', status: 529 });
    const { error } = await test.ask('Hello', { timeoutMs: 300 });
    expect(domainError(error).code).toBe('MODEL_OVERLOADED');
  });

  it('does not take a long one for a short one', async () => {
    await using test = await startTestModels();
    const { error } = await test.ask('Hello', { timeoutMs: 2 ** 33 });
    expect(error).toBeUndefined();
  });
});

describe('idle watchdog', () => {
  it('ends a stream that stalls', async () => {
    await using test = await startTestModels({ idleTimeoutMs: 150 });
    test.demo.script({ kind: 'stall', afterDeltas: 4 });
    const { error, text, attempts } = await test.ask('[demo:words 20]');
    expect(domainError(error)).toMatchObject({ code: 'MODEL_TIMEOUT', retryable: true });
    expect(text.trim().split(' ')).toHaveLength(4);
    expect(attempts).toMatchObject([{ status: 'failed', billed: true, estimated: true }]);
  });

  it('lets a stream go on that is only slow', async () => {
    await using test = await startTestModels({ idleTimeoutMs: 400 });
    const { error, finish } = await test.ask('[demo:words 12] [demo:delay 60]');
    expect(error).toBeUndefined();
    expect(finish?.stopReason).toBe('end_turn');
  });
});

describe('truncation', () => {
  it.each([
    ['ends without message_stop', { kind: 'cut' as const, afterDeltas: 5 }, 'MODEL_UNAVAILABLE'],
    ['breaks off with a reset', { kind: 'reset' as const, afterDeltas: 5 }, 'MODEL_UNAVAILABLE'],
    ['turns into garbage', { kind: 'garbage' as const, afterDeltas: 5 }, 'MODEL_UNAVAILABLE'],
  ])('fails a stream that %s', async (_name, fault, code) => {
    await using test = await startTestModels();
    test.demo.script(fault);
    const { error, text, finish, attempts } = await test.ask('[demo:words 40]');
    expect(domainError(error).code).toBe(code);
    expect(finish).toBeUndefined();
    expect(text.trim().split(' ')).toHaveLength(5);
    expect(attempts).toMatchObject([{ status: 'failed', billed: true, estimated: true }]);
  });
});
