import { describe, expect, it } from 'vitest';
import type { Fault } from '../../../src/demo-model/faults/fault.ts';
import { domainError, startTestModels } from '../support/start-test-models.ts';

const transient: [string, Fault][] = [
  ['429', { kind: 'status', status: 429, retryAfterMs: 5 }],
  ['500', { kind: 'status', status: 500 }],
  ['503', { kind: 'status', status: 503 }],
  ['529', { kind: 'status', status: 529 }],
  ['a reset before the first byte', { kind: 'reset' }],
  ['an error event before the first token', { kind: 'error_event', afterDeltas: 0 }],
  ['a stream cut before the first token', { kind: 'cut', afterDeltas: 0 }],
];

describe('retries', () => {
  it.each(transient)('answers after %s, twice', async (_name, fault) => {
    await using test = await startTestModels();
    test.demo.script({ ...fault, times: 2 });
    const { text, attempts, error, events } = await test.ask('[demo:reply Here I am.]');
    expect(error).toBeUndefined();
    expect(text).toBe('Here I am.');
    expect(attempts.map(({ status }) => status)).toEqual(['failed', 'failed', 'succeeded']);
    expect(events.filter(({ type }) => type === 'start')).toHaveLength(1);
    expect(test.demo.requests).toHaveLength(3);
  });

  it('gives up after three calls', async () => {
    await using test = await startTestModels();
    test.demo.script({ kind: 'status', status: 529, times: 9 });
    const { error, attempts } = await test.ask('Hello');
    expect(domainError(error)).toMatchObject({ code: 'MODEL_OVERLOADED', retryable: true });
    expect(attempts.map(({ billed }) => billed)).toEqual([false, false, false]);
    expect(test.demo.requests).toHaveLength(3);
  });

  it('tells what the model failed of, also when that has opened its circuit', async () => {
    await using test = await startTestModels({ breakerThreshold: 2 });
    test.demo.script({ kind: 'status', status: 529, times: 9 });
    const { error } = await test.ask('Hello');
    expect(domainError(error).code).toBe('MODEL_OVERLOADED');
    expect(test.demo.requests).toHaveLength(2);
    expect(domainError((await test.ask('And now?')).error).code).toBe('MODEL_UNAVAILABLE');
  });

  it.each([
    [400, 'MODEL_REFUSED'],
    [401, 'MODEL_UNAVAILABLE'],
    [403, 'MODEL_UNAVAILABLE'],
    [404, 'MODEL_NOT_FOUND'],
    [413, 'MODEL_REFUSED'],
  ])('does not repeat a %i, which is %s', async (status, code) => {
    await using test = await startTestModels();
    test.demo.script({ kind: 'status', status, message: 'secret-in-body', times: 9 });
    const { error } = await test.ask('Hello');
    expect(domainError(error)).toMatchObject({ code, retryable: false });
    expect(test.demo.requests).toHaveLength(1);
  });

  it.each([
    [401, 'authentication_error'],
    [429, 'rate_limit_error'],
    [500, 'api_error'],
    [529, 'overloaded_error'],
  ])("never shows a %i's raw body", async (status, type) => {
    await using test = await startTestModels({ attempts: 1 });
    test.demo.script({ kind: 'status', status, message: 'secret-in-body', retryAfterMs: 5 });
    const { error } = await test.ask('Hello');
    const { message } = domainError(error);
    expect(message).not.toContain('secret-in-body');
    expect(message).not.toContain(type);
    expect(message).not.toContain('{');
    expect(domainError(error).cause).toBeUndefined();
  });

  it('obeys x-should-retry: false', async () => {
    await using test = await startTestModels();
    test.demo.script({ kind: 'status', status: 500, shouldRetry: false });
    const { error } = await test.ask('Hello');
    expect(domainError(error)).toMatchObject({ code: 'MODEL_UNAVAILABLE', retryable: false });
    expect(test.demo.requests).toHaveLength(1);
  });

  it('waits as long as retry-after asks', async () => {
    await using test = await startTestModels();
    test.demo.script({ kind: 'status', status: 429, retryAfterMs: 250 });
    await test.ask('Hello');
    const [first, second] = test.demo.requests.map(({ startedAt }) => startedAt);
    expect(second! - first!).toBeGreaterThanOrEqual(245);
  });

  it('does not wait for a retry-after beyond the deadline', async () => {
    await using test = await startTestModels();
    test.demo.script({ kind: 'status', status: 429, retryAfterSeconds: 3_600 });
    const { error } = await test.ask('Hello', { timeoutMs: 5_000 });
    expect(domainError(error)).toMatchObject({
      code: 'MODEL_RATE_LIMITED',
      retryable: true,
      details: { retryAfterMs: 3_600_000 },
    });
    expect(test.demo.requests).toHaveLength(1);
  });

  it('tries again when no first byte comes', async () => {
    await using test = await startTestModels({ firstByteTimeoutMs: 150 });
    test.demo.script({ kind: 'stall' });
    const { text, attempts } = await test.ask('[demo:reply Late.]');
    expect(text).toBe('Late.');
    expect(attempts.map(({ billed }) => billed)).toEqual([false, true]);
  });

  it('repeats nothing once output began', async () => {
    await using test = await startTestModels();
    test.demo.script({ kind: 'error_event', afterDeltas: 3 });
    const { error, text, attempts } = await test.ask('[demo:words 20]');
    expect(domainError(error).code).toBe('MODEL_OVERLOADED');
    expect(text.trim().split(' ')).toHaveLength(3);
    expect(attempts).toMatchObject([{ status: 'failed', billed: true, estimated: true }]);
    expect(test.demo.requests).toHaveLength(1);
  });
});
