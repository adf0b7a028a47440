import { describe, expect, it } from 'vitest';
import type { Fault } from '../../../src/demo-model/faults/fault.ts';
import { domainError, haiku, sonnet, startTestModels } from '../support/start-test-models.ts';

const opus = 'claude-opus-5-5';
const forModel = (model: string, fault: Fault): Fault => ({
  times: 99,
  match: { model },
  ...fault,
});
const overloaded: Fault = { kind: 'status', status: 529 };

describe('fallback', () => {
  it.each<[string, Fault]>([
    ['overloaded', overloaded],
    ['rate limited', { kind: 'status', status: 429, retryAfterMs: 1 }],
    ['down', { kind: 'status', status: 500 }],
    ['not open to this key', { kind: 'status', status: 403 }],
    ['failing before its first token', { kind: 'cut', afterDeltas: 0 }],
  ])('takes the next model when the first is %s', async (_name, fault) => {
    await using test = await startTestModels();
    test.demo.script(forModel(haiku, fault));
    const { events, text, attempts, finish } = await test.ask('[demo:reply Served.]', {
      chain: [haiku, sonnet],
    });
    expect(text).toBe('Served.');
    expect(attempts.at(-1)).toMatchObject({ model: sonnet, status: 'succeeded' });
    expect(events.filter(({ type }) => type === 'start')).toMatchObject([{ model: sonnet }]);
    expect(finish).toMatchObject({ model: sonnet, degraded: true });
  });

  it('tries the models in order, and fails as the last one does', async () => {
    await using test = await startTestModels({ attempts: 1 });
    test.demo.script(forModel(haiku, overloaded), forModel(sonnet, overloaded));
    test.demo.script(forModel(opus, { kind: 'status', status: 500 }));
    const { error, attempts } = await test.ask('Hello', { chain: [haiku, sonnet, opus] });
    expect(attempts.map(({ model }) => model)).toEqual([haiku, sonnet, opus]);
    expect(domainError(error).code).toBe('MODEL_UNAVAILABLE');
  });

  it('does not fall back after the first token', async () => {
    await using test = await startTestModels();
    test.demo.script(forModel(haiku, { kind: 'error_event', afterDeltas: 1 }));
    const { error, text } = await test.ask('[demo:words 9]', { chain: [haiku, sonnet] });
    expect(domainError(error).code).toBe('MODEL_OVERLOADED');
    expect(text).not.toBe('');
    expect(test.demo.requests.map(({ body }) => body?.model)).toEqual([haiku]);
  });

  it.each<[string, Fault]>([
    ['unknown', { kind: 'status', status: 404 }],
    ['refusing the request', { kind: 'status', status: 400 }],
  ])('does not fall back from a model that is %s', async (_name, fault) => {
    await using test = await startTestModels();
    test.demo.script(forModel(haiku, fault));
    await test.ask('Hello', { chain: [haiku, sonnet] });
    expect(test.demo.requests.map(({ body }) => body?.model)).toEqual([haiku]);
  });

  it('is not degraded when the first model answers', async () => {
    await using test = await startTestModels();
    const { finish } = await test.ask('Hello', { chain: [haiku, sonnet] });
    expect(finish).toMatchObject({ model: haiku, degraded: false });
  });
});

describe('circuit breaker', () => {
  const limits = { attempts: 1, breakerThreshold: 3, breakerHalfOpenAfterMs: 60_000 };
  const stateOf = (test: Awaited<ReturnType<typeof startTestModels>>, model: string) =>
    test.models.status().find((status) => status.model === model)?.breaker;

  it('opens on failures in a row, and goes straight to the fallback then', async () => {
    await using test = await startTestModels(limits);
    test.demo.script(forModel(haiku, overloaded));
    for (let call = 0; call < 3; call += 1) await test.ask('Hello');
    expect(stateOf(test, haiku)).toBe('open');
    const asked = test.demo.requests.length;
    const { attempts } = await test.ask('Hello', { chain: [haiku, sonnet] });
    expect(attempts.map(({ model }) => model)).toEqual([sonnet]);
    expect(test.demo.requests).toHaveLength(asked + 1);
    const alone = await test.ask('Hello');
    expect(domainError(alone.error)).toMatchObject({ code: 'MODEL_UNAVAILABLE', retryable: true });
    expect(stateOf(test, sonnet)).toBe('closed');
  });

  it('does not make anyone wait for a place first', async () => {
    await using test = await startTestModels({ ...limits, concurrency: 1, queue: 5 });
    test.demo.script(forModel(haiku, overloaded));
    for (let call = 0; call < 3; call += 1) await test.ask('Hello');
    const letGo = test.demo.hold();
    const other = test.ask('Hello', { chain: [sonnet] });
    await test.demo.waitForOpenCalls(1);
    const { error } = await test.ask('Hello');
    expect(domainError(error).code).toBe('MODEL_UNAVAILABLE');
    letGo();
    expect((await other).error).toBeUndefined();
  });

  it('is closed again by a success, and counts from the start', async () => {
    await using test = await startTestModels(limits);
    test.demo.script({ ...overloaded, times: 2 });
    for (let call = 0; call < 3; call += 1) await test.ask('Hello');
    test.demo.script({ ...overloaded, times: 2 });
    for (let call = 0; call < 2; call += 1) await test.ask('Hello');
    expect(stateOf(test, haiku)).toBe('closed');
  });

  it.each<[string, Fault]>([
    ['refused requests', { kind: 'status', status: 400 }],
    ['rejected keys', { kind: 'status', status: 401 }],
    ['rate limits', { kind: 'status', status: 429, retryAfterMs: 1 }],
    ['refusals', { kind: 'refusal' }],
  ])('does not count %s', async (_name, fault) => {
    await using test = await startTestModels(limits);
    test.demo.script({ ...fault, times: 99 });
    for (let call = 0; call < 5; call += 1) await test.ask('Hello');
    expect(stateOf(test, haiku)).toBe('closed');
  });

  it("does not count the caller's own deadline or leaving", async () => {
    await using test = await startTestModels(limits);
    test.demo.script({ kind: 'stall', times: 99 });
    for (let call = 0; call < 4; call += 1) await test.ask('Hello', { timeoutMs: 20 });
    expect(stateOf(test, haiku)).toBe('closed');
  });

  it('lets one call try after a while, alone, and closes when it is answered', async () => {
    await using test = await startTestModels({ ...limits, breakerHalfOpenAfterMs: 0 });
    test.demo.script({ ...overloaded, times: 3 });
    for (let call = 0; call < 3; call += 1) await test.ask('Hello');
    expect(stateOf(test, haiku)).toBe('open');
    const letGo = test.demo.hold();
    const probe = test.ask('[demo:reply Back.]');
    await test.demo.waitForOpenCalls(1);
    expect(stateOf(test, haiku)).toBe('half-open');
    const other = await test.ask('Hello');
    expect(domainError(other.error).code).toBe('MODEL_UNAVAILABLE');
    letGo();
    expect((await probe).text).toBe('Back.');
    expect(stateOf(test, haiku)).toBe('closed');
  });

  it('opens again when the try fails or is given up', async () => {
    await using test = await startTestModels({ ...limits, breakerHalfOpenAfterMs: 0 });
    test.demo.script({ ...overloaded, times: 4 });
    for (let call = 0; call < 4; call += 1) await test.ask('Hello');
    expect(stateOf(test, haiku)).toBe('open');
    test.demo.script({ kind: 'stall' });
    await test.ask('Hello', { timeoutMs: 50 });
    expect(stateOf(test, haiku)).toBe('open');
  });
});
