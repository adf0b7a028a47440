import { describe, expect, it } from 'vitest';
import { startDemoModel } from '../../src/demo-model/demo-model-server.ts';
import { createModels } from '../../src/model/create-models.ts';
import { createPrices } from '../../src/model/prices/create-prices.ts';
import { createClaudeProvider } from '../../src/model/providers/claude/claude-provider.ts';
import { testLog } from '../support/test-log.ts';
import { haiku, startTestModels } from './support/start-test-models.ts';

describe('the list of models', () => {
  it('has context windows, prices and lifecycles', async () => {
    await using test = await startTestModels();
    const models = await test.models.list();
    expect(models.find(({ id }) => id === haiku)).toMatchObject({
      provider: 'anthropic',
      contextWindow: 1_000_000,
      maxOutputTokens: 128_000,
      lifecycle: 'active',
      price: { inputPerMillion: '0.1', cacheWritePerMillion: '0.125' },
    });
    expect(new Set(models.map(({ id }) => id)).size).toBe(models.length);
  });

  it('asks the provider once in a while, not every time', async () => {
    await using test = await startTestModels();
    await Promise.all([test.models.list(), test.models.list()]);
    await test.models.list();
    expect(test.demo.requests.filter(({ path }) => path === '/v1/models')).toHaveLength(1);
  });

  it('is there when the provider is not', async () => {
    const demo = await startDemoModel();
    const { url: baseURL } = demo;
    await demo.close();
    const models = createModels({
      providers: [createClaudeProvider({ apiKey: 'test', baseURL, log: testLog })],
      prices: createPrices(),
      defaultModel: haiku,
      log: testLog,
    });
    expect((await models.list()).length).toBeGreaterThan(10);
    await models.close();
  });
});

describe('a model name', () => {
  it.each([
    ['claude-haiku-5-5', 'claude-haiku-5-5'],
    ['anthropic/claude-haiku-5-5', 'claude-haiku-5-5'],
    ['claude-not-yet-listed', 'claude-not-yet-listed'],
    ['demo-fast', 'demo-fast'],
    [null, haiku],
    [undefined, haiku],
  ])('%s means %s', async (name, meant) => {
    await using test = await startTestModels();
    expect(test.models.resolve(name)).toBe(meant);
  });

  it.each([
    'openai/gpt-x',
    'anthropic/',
    '/x',
    '',
    '  ',
    'anthropic/anthropic/claude-haiku-5-5',
    'anthropic/anthropic/anthropic/claude-haiku-5-5',
    'anthropic/ claude-haiku-5-5',
    'anthropic /claude-haiku-5-5',
    'claude haiku-5-5',
    'claude-haiku-5-5\u200b',
    'anthropic/claude-haiku\u00a05-5',
  ])('%j means none here', async (name) => {
    await using test = await startTestModels();
    expect(() => test.models.resolve(name)).toThrow(
      expect.objectContaining({ code: 'MODEL_NOT_FOUND', retryable: false }),
    );
  });

  it('reads as the same model however often it is read', async () => {
    const provider = (name: string) => ({ name }) as never;
    const models = createModels({
      providers: [provider('anthropic'), provider('openai')],
      prices: createPrices({ overrides: { 'openai/openai/gpt-oss': { input: 1, output: 2 } } }),
      defaultModel: haiku,
      log: testLog,
    });
    for (const [name, meant] of [
      [' claude-x ', 'claude-x'],
      ['anthropic/claude-x', 'claude-x'],
      ['openai/meta/llama', 'openai/meta/llama'],
      ['openai/anthropic/claude-x', 'openai/anthropic/claude-x'],
      ['openai/openai/gpt-oss', 'openai/openai/gpt-oss'],
    ] as const) {
      expect(models.resolve(name)).toBe(meant);
      expect(models.resolve(meant)).toBe(meant);
    }
    for (const name of ['openai/openai/gpt-x', 'anthropic/openai/gpt-x']) {
      expect(() => models.resolve(name)).toThrow(/has no provider/);
    }
  });

  it('of the demo model is served without a price', async () => {
    await using test = await startTestModels();
    const { error, attempts } = await test.ask('Hi', { chain: ['claude-mock-n50'] });
    expect(error).toBeUndefined();
    expect(attempts).toMatchObject([{ model: 'claude-mock-n50' }]);
    expect(test.models.information('claude-mock-n50')).toBeNull();
  });
});

describe('what a call is given', () => {
  it('is no more output than the model can give', async () => {
    await using test = await startTestModels();
    await test.ask('Hi', { maxTokens: 900_000 });
    expect(test.demo.requests[0]?.body?.max_tokens).toBe(128_000);
  });

  it('is estimated by the greatest of the chain, never below the truth', async () => {
    await using test = await startTestModels();
    const call = { messages: [], system: 'word '.repeat(500), maxTokens: 10 };
    const estimate = test.models.estimateInputTokens(call, [haiku, 'claude-opus-5-5']);
    expect(estimate).toBeGreaterThan(500);
    expect(estimate).toBeLessThan(1_500);
  });

  it('is counted by the provider, or not at all', async () => {
    await using test = await startTestModels();
    const { signal } = new AbortController();
    const content = [{ type: 'text' as const, text: 'word '.repeat(500) }];
    const call = { messages: [{ role: 'user' as const, content }], maxTokens: 10 };
    const counted = await test.models.countInputTokens(call, [haiku], signal);
    expect(counted).toBeGreaterThan(400);
    expect(counted).toBeLessThan(test.models.estimateInputTokens(call, [haiku]));
    expect(
      await test.models.countInputTokens({ ...call, messages: [] }, [haiku], signal),
    ).toBeNull();
    expect(await test.models.countInputTokens(call, [haiku], AbortSignal.abort())).toBeNull();
  });
});
