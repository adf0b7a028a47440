import { z } from 'zod';
import type { ModelUsage } from '../../kernel/model.ts';
import type { ModelPrice, Prices, Usd } from '../../kernel/prices.ts';
import { effectiveRates, effectiveSince, type Rates } from './effective-rates.ts';
import { embeddingRate } from './embedding-prices.ts';
import { ExactDecimal, type PriceRow, type PriceTable, priceTableSchema } from './price-table.ts';
import builtIn from './prices.json' with { type: 'json' };

export interface PricesOptions {
  /** The content of a file in the format of `prices.json`; a row replaces the built-in one of its name whole. */
  overrides?: unknown;
}

type Rows = ReadonlyMap<string, PriceRow>;

const million = 1_000_000;

/**
 * The price table, with a file's rows over it. Throws an `Error` with one line for each wrong place of the overrides.
 * Dated names ("claude-haiku-4-5-20251001") cost what the undated one does, unless they have a row of their own.
 */
export function createPrices({ overrides }: PricesOptions = {}): Prices {
  const table: Rows = new Map(Object.entries(priceTableSchema.parse(builtIn)));
  const own: Rows = new Map(Object.entries(parseOverrides(overrides ?? {})));
  const rowOf = (model: string): PriceRow | null => findRow(model, { own, table });
  return {
    costOf(model, usage, at) {
      const row = rowOf(model);
      return row && costOfUsage(effectiveRates(row, promptTokens(usage), at), usage);
    },
    worstCase(model, inputTokens, maxOutputTokens, at) {
      const row = rowOf(model);
      return row && worstCaseOf(effectiveRates(row, inputTokens, at), inputTokens, maxOutputTokens);
    },
    embeddingCost(embedder, tokens) {
      const rate = embeddingRate(embedder, rowOf);
      return rate === null ? null : new ExactDecimal(rate).mul(tokens).div(million).toFixed();
    },
    priceOf(model, at) {
      const row = rowOf(model);
      return row && modelPrice(row, at);
    },
  };
}

function parseOverrides(overrides: unknown): PriceTable {
  const parsed = priceTableSchema.safeParse(overrides);
  if (parsed.success) return parsed.data;
  throw new Error(`the price file is not readable:\n${z.prettifyError(parsed.error)}`);
}

function findRow(model: string, { own, table }: { own: Rows; table: Rows }): PriceRow | null {
  const undated = model.replace(/-\d{8}$/, '');
  const meant = table.get(model)?.aliasOf ?? undated;
  return own.get(model) ?? own.get(meant) ?? table.get(model) ?? table.get(undated) ?? null;
}

const promptTokens = (usage: ModelUsage): number =>
  usage.inputTokens + usage.cacheReadTokens + usage.cacheWrite5mTokens + usage.cacheWrite1hTokens;

function costOfUsage(rates: Rates, usage: ModelUsage): Usd | null {
  const parts = [
    [usage.inputTokens, rates.input],
    [usage.outputTokens, rates.output],
    [usage.cacheReadTokens, rates.cacheRead],
    [usage.cacheWrite5mTokens, rates.cacheWrite5m],
    [usage.cacheWrite1hTokens, rates.cacheWrite1h],
  ] as const;
  if (rates.input === null || rates.output === null) return null;
  let total = new ExactDecimal(0);
  for (const [tokens, rate] of parts) {
    if (tokens === 0) continue;
    if (rate === null) return null;
    total = total.add(rate.mul(tokens));
  }
  return total.div(million).toFixed();
}

function worstCaseOf(rates: Rates, inputTokens: number, maxOutputTokens: number): Usd | null {
  if (rates.input === null || rates.output === null) return null;
  const dearest = ExactDecimal.max(rates.input, rates.cacheWrite5m ?? 0);
  return dearest.mul(inputTokens).add(rates.output.mul(maxOutputTokens)).div(million).toFixed();
}

function modelPrice(row: PriceRow, at: Date): ModelPrice | null {
  const { input, output, cacheRead, cacheWrite5m } = effectiveRates(row, 0, at);
  if (input === null || output === null) return null;
  return {
    inputPerMillion: input.toFixed(),
    outputPerMillion: output.toFixed(),
    cacheReadPerMillion: cacheRead?.toFixed() ?? null,
    cacheWritePerMillion: cacheWrite5m?.toFixed() ?? null,
    effectiveFrom: effectiveSince(row, at),
  };
}
