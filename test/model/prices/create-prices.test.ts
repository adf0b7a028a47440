import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ModelUsage } from '../../../src/kernel/model.ts';
import { createPrices } from '../../../src/model/prices/create-prices.ts';

const now = new Date('2026-11-22T12:00:00Z');
const prices = createPrices();
const usage = (tokens: Partial<ModelUsage>): ModelUsage => ({
  inputTokens: 0,
  cacheReadTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  outputTokens: 0,
  ...tokens,
});

describe('cost of a request', () => {
  it('bills five kinds of tokens, each at its own rate, exactly', () => {
    const spent = usage({
      inputTokens: 1_001,
      outputTokens: 307,
      cacheReadTokens: 20_003,
      cacheWrite5mTokens: 4_007,
      cacheWrite1hTokens: 11,
    });
    // (1001 × 4 + 307 × 20 + 20003 × 0.2 + 4007 × 5 + 11 × 8) / 1,000,000
    expect(prices.costOf('claude-opus-5-5', spent, now)).toBe('0.0342676');
    expect(prices.costOf('claude-opus-5-5', usage({ cacheReadTokens: 1 }), now)).toBe('0.0000002');
  });

  it('bills the whole long prompt of Haiku higher, output too, and cached tokens count as prompt', () => {
    const cost = (tokens: Partial<ModelUsage>) =>
      prices.costOf('claude-haiku-5-5', usage(tokens), now);
    expect(cost({ inputTokens: 100_000, outputTokens: 1_000_000 })).toBe('0.51');
    expect(cost({ inputTokens: 100_001, outputTokens: 1_000_000 })).toBe('2.5500005');
    expect(cost({ inputTokens: 1, cacheReadTokens: 100_000 })).toBe('0.0050005');
    expect(cost({ cacheWrite5mTokens: 50_001, cacheWrite1hTokens: 50_000 })).toBe('0.081250625');
  });

  it('knows what a rate was before it changed', () => {
    const read = usage({ cacheReadTokens: 1_000_000 });
    const before = new Date('2026-10-06T23:59:59Z');
    const after = new Date('2026-10-07T00:00:00Z');
    expect(prices.costOf('claude-sonnet-5-5', read, before)).toBe('0.2');
    expect(prices.costOf('claude-sonnet-5-5', read, after)).toBe('0.1');
    expect(prices.priceOf('claude-sonnet-5-5', before)).toMatchObject({
      inputPerMillion: '2',
      cacheReadPerMillion: '0.2',
      effectiveFrom: new Date('2026-09-28T00:00:00Z'),
    });
    expect(prices.priceOf('claude-sonnet-5-5', now)?.effectiveFrom).toEqual(after);
  });

  it('takes a dated name for the model it is', () => {
    const spent = usage({ inputTokens: 1_000_000 });
    expect(prices.costOf('claude-haiku-4-5-20251001', spent, now)).toBe('1');
    expect(prices.costOf('claude-opus-5-5-20260922', spent, now)).toBe('4');
  });

  it.each(['gpt-x', 'openai/gpt-x', 'claude-mock', 'claude-mythos-preview', '', 'toString'])(
    'is null, never 0, for %s',
    (model) => {
      expect(prices.costOf(model, usage({ inputTokens: 5 }), now)).toBeNull();
      expect(prices.worstCase(model, 5, 5, now)).toBeNull();
      expect(prices.priceOf(model, now)).toBeNull();
    },
  );

  it('is null for a rate not known only when there are such tokens', () => {
    const mythos = 'claude-mythos-5-2';
    expect(prices.costOf(mythos, usage({ inputTokens: 1_000_000 }), now)).toBe('8');
    expect(prices.costOf(mythos, usage({ inputTokens: 5, cacheReadTokens: 1 }), now)).toBeNull();
    expect(prices.priceOf(mythos, now)).toMatchObject({ cacheReadPerMillion: null });
  });
});

describe('worst case', () => {
  it('covers every way the same tokens can be billed', () => {
    const tokens = fc.integer({ min: 0, max: 200_000 });
    const model = fc.constantFrom('claude-haiku-5-5', 'claude-sonnet-5-5', 'claude-sonnet-4-5');
    fc.assert(
      fc.property(model, tokens, tokens, tokens, tokens, (name, plain, read, written, output) => {
        const spent = usage({
          inputTokens: plain,
          cacheReadTokens: read,
          cacheWrite5mTokens: written,
          outputTokens: output,
        });
        const cost = Number(prices.costOf(name, spent, now));
        const worst = Number(prices.worstCase(name, plain + read + written, output, now));
        expect(worst).toBeGreaterThanOrEqual(cost * (1 - 1e-12));
      }),
    );
  });

  it('takes writing the cache for what may happen', () => {
    expect(prices.worstCase('claude-opus-5-5', 1_000_000, 0, now)).toBe('5');
  });
});

describe('a file of prices', () => {
  it('replaces and adds rows, with numbers or decimal strings', () => {
    const own = createPrices({
      overrides: {
        'openai/gpt-x': { input: '0.15', output: 0.6, cacheRead: 0.075 },
        'claude-haiku-4-5': { input: 2, output: 3 },
      },
    });
    const spent = usage({ inputTokens: 1_000_000, cacheReadTokens: 1_000_000 });
    expect(own.costOf('openai/gpt-x', spent, now)).toBe('0.225');
    expect(own.costOf('claude-haiku-4-5', usage({ inputTokens: 500_000 }), now)).toBe('1');
    expect(own.costOf('claude-haiku-4-5-20251001', usage({ inputTokens: 500_000 }), now)).toBe('1');
    expect(own.costOf('claude-haiku-4-5', spent, now)).toBeNull();
    expect(own.costOf('claude-opus-5-5', usage({ inputTokens: 1_000_000 }), now)).toBe('4');
  });

  it('can tell a change ahead of time', () => {
    const own = createPrices({
      overrides: { x: { input: 5, output: 5, history: [{ until: '2027-01-01', input: 4 }] } },
    });
    const spent = usage({ inputTokens: 1_000_000, outputTokens: 1_000_000 });
    expect(own.costOf('x', spent, now)).toBe('9');
    expect(own.costOf('x', spent, new Date('2027-01-01T00:00:00Z'))).toBe('10');
  });

  it.each([[{ x: { input: -1 } }], [{ x: { input: 'free' } }], [[1]], ['text']])(
    'is refused when it is %j, saying where',
    (overrides) => {
      expect(() => createPrices({ overrides })).toThrow(/price file is not readable/);
    },
  );
});

describe('embeddings', () => {
  it('cost by their token, nothing in-process, and null when not known', () => {
    expect(prices.embeddingCost('voyage-3.5:1024', 1_500_000, now)).toBe('0.09');
    expect(prices.embeddingCost('hash-512', 1_500_000, now)).toBe('0');
    expect(prices.embeddingCost('openai/text-embedding-9', 1, now)).toBeNull();
    const own = createPrices({ overrides: { 'openai/text-embedding-9': { input: '0.02' } } });
    expect(own.embeddingCost('openai/text-embedding-9:256', 1_000_000, now)).toBe('0.02');
  });
});
