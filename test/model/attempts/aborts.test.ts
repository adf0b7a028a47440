import { describe, expect, it } from 'vitest';
import type { Fault } from '../../../src/demo-model/faults/fault.ts';
import type { ModelProvider } from '../../../src/kernel/model.ts';
import { createModels } from '../../../src/model/create-models.ts';
import { createPrices } from '../../../src/model/prices/create-prices.ts';
import { testLog } from '../../support/test-log.ts';
import {
  callModels,
  domainError,
  startTestModels,
  type TestModels,
  userText,
} from '../support/start-test-models.ts';

/** Says one word, and waits for `speak` whatever its signal says. */
function createDeafProvider(): ModelProvider & { speak(): void } {
  const more = Promise.withResolvers<void>();
  return {
    name: 'deaf',
    speak: more.resolve,
    async *stream() {
      yield { type: 'start', model: 'model' };
      yield { type: 'text', text: 'Before.' };
      await more.promise;
      yield { type: 'text', text: 'After.' };
    },
    estimateInputTokens: () => 1,
    listModels: async () => [],
  };
}

/** Runs a call into its fault, aborts it there, and sees how it ended. */
async function abortAt(test: TestModels, fault: Fault, when: () => Promise<void>) {
  const caller = new AbortController();
  const reason = new Error('the caller left');
  test.demo.script(fault);
  const answer = test.ask('[demo:words 400]', { signal: caller.signal });
  await when();
  caller.abort(reason);
  const abortedAt = performance.now();
  await test.demo.waitForOpenCalls(0, 1_000);
  return { answer: await answer, reason, tookMs: performance.now() - abortedAt };
}

describe('abort', () => {
  it('reaches the provider while it has sent nothing', async () => {
    await using test = await startTestModels();
    const when = () => test.demo.waitForOpenCalls(1);
    const { answer, reason, tookMs } = await abortAt(test, { kind: 'stall' }, when);
    expect(answer.error).toBe(reason);
    expect(answer.attempts).toMatchObject([{ status: 'cancelled', billed: false }]);
    expect(tookMs).toBeLessThan(1_000);
  });

  it('reaches the provider while it is silent in the middle of an answer', async () => {
    await using test = await startTestModels();
    const when = () => test.demo.waitForGatedCalls(1);
    const { answer, reason, tookMs } = await abortAt(test, { kind: 'gate', afterDeltas: 70 }, when);
    expect(answer.error).toBe(reason);
    expect(answer.attempts).toMatchObject([{ status: 'cancelled', billed: true, estimated: true }]);
    expect(tookMs).toBeLessThan(1_000);
  });

  it('ends the wait for a retry', async () => {
    await using test = await startTestModels({ retryBaseMs: 60_000 });
    const caller = new AbortController();
    test.demo.script({ kind: 'status', status: 529 });
    const onEvent = ({ type }: { type: string }) => type === 'attempt' && caller.abort();
    const { error } = await test.ask('Hello', { signal: caller.signal, onEvent });
    expect(error).toBe(caller.signal.reason);
    expect(test.demo.requests).toHaveLength(1);
  });

  it('makes no call when it came first', async () => {
    await using test = await startTestModels();
    const { error, events } = await test.ask('Hello', { signal: AbortSignal.abort('early') });
    expect(error).toBe('early');
    expect(events).toEqual([]);
    expect(test.demo.requests).toHaveLength(0);
  });

  it('is not held up by a provider that ignores its signal', async () => {
    const deaf = createDeafProvider();
    const models = createModels({
      providers: [deaf],
      prices: createPrices(),
      defaultModel: 'deaf/model',
      log: testLog,
    });
    const caller = new AbortController();
    const answer = callModels(
      models,
      {
        call: { messages: [userText('Hello')], maxTokens: 10 },
        chain: ['deaf/model'],
        signal: caller.signal,
        deadlineAt: new Date(Date.now() + 15_000),
      },
      ({ type }) => type === 'text' && caller.abort(),
    );
    const { error, text, attempts } = await answer;
    expect(error).toBe(caller.signal.reason);
    expect(text).toBe('Before.');
    expect(attempts).toMatchObject([{ status: 'cancelled', billed: true }]);
    deaf.speak();
    expect((await answer).text).toBe('Before.');
    expect(models.openCalls()).toBe(0);
  });

  it('leaves the breaker and the next call alone', async () => {
    await using test = await startTestModels({ breakerThreshold: 1, concurrency: 1 });
    await abortAt(test, { kind: 'stall' }, () => test.demo.waitForOpenCalls(1));
    const { text } = await test.ask('[demo:reply Next.]');
    expect(text).toBe('Next.');
  });

  it('of many calls at once ends every one', async () => {
    await using test = await startTestModels();
    const caller = new AbortController();
    test.demo.script({ kind: 'stall', afterDeltas: 3, times: 200 });
    const answers = Array.from({ length: 200 }, () =>
      test.ask('[demo:words 20]', { signal: caller.signal }),
    );
    await test.demo.waitForOpenCalls(200, 10_000);
    expect(test.models.openCalls()).toBe(200);
    caller.abort();
    await test.demo.waitForOpenCalls(0, 5_000);
    for (const { error } of await Promise.all(answers)) expect(error).toBe(caller.signal.reason);
  });
});

describe('concurrency limit', () => {
  it('lets so many call, so many wait, and refuses more at once', async () => {
    await using test = await startTestModels({ concurrency: 2, queue: 1 });
    const letGo = test.demo.hold();
    const calling = [test.ask('[demo:reply 1]'), test.ask('[demo:reply 2]')];
    await test.demo.waitForOpenCalls(2);
    const waiting = test.ask('[demo:reply 3]');
    await expect
      .poll(() => test.models.status()[0])
      .toMatchObject({ name: 'anthropic', queued: 1 });
    const refused = await test.ask('Hello');
    expect(domainError(refused.error)).toMatchObject({ code: 'MODEL_OVERLOADED', retryable: true });
    expect(test.demo.requests).toHaveLength(2);
    letGo();
    const texts = (await Promise.all([...calling, waiting])).map(({ text }) => text);
    expect(texts).toEqual(['1', '2', '3']);
  });

  it('gives the place of one who left the queue to the next', async () => {
    await using test = await startTestModels({ concurrency: 1, queue: 1 });
    const letGo = test.demo.hold();
    const calling = test.ask('[demo:reply 1]');
    await test.demo.waitForOpenCalls(1);
    const caller = new AbortController();
    const left = test.ask('Hello', { signal: caller.signal });
    await expect.poll(() => test.models.status()[0]?.queued).toBe(1);
    caller.abort();
    expect((await left).error).toBe(caller.signal.reason);
    const next = test.ask('[demo:reply 2]');
    await expect.poll(() => test.models.status()[0]?.queued).toBe(1);
    letGo();
    expect((await calling).text + (await next).text).toBe('12');
  });

  it('frees the place of a caller who left', async () => {
    await using test = await startTestModels({ concurrency: 1, queue: 0 });
    for (const event of [1, 2, 3]) {
      const caller = new AbortController();
      const onEvent = ({ type }: { type: string }) => type === 'text' && caller.abort();
      await test.ask(`[demo:words 50] ${event}`, { signal: caller.signal, onEvent });
    }
    const { text } = await test.ask('[demo:reply Free.]');
    expect(text).toBe('Free.');
  });
});
