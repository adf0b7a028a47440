import type { ModelUsage } from '../../kernel/model.ts';
import type { Prices, Usd } from '../../kernel/prices.ts';
import type { CallOutcome, Hold } from '../ledger.ts';
import type { NewUsageRecord } from '../usage/usage-row.ts';
import { usd } from '../usd.ts';

/** The record of what was billed under a hold. Its id is the hold's, which makes settling idempotent. */
export function recordOfCall(prices: Prices, hold: Hold, outcome: CallOutcome): NewUsageRecord {
  const { usage } = outcome;
  const { embedding } = hold.request;
  const { accessTokens: _, ...tag } = hold.request.tag;
  return {
    ...tag,
    id: hold.id,
    provider: outcome.provider,
    model: outcome.model,
    inputTokens: usage.inputTokens + usage.cacheReadTokens + cacheWriteTokens(usage),
    outputTokens: usage.outputTokens,
    cacheReadTokens: usage.cacheReadTokens,
    cacheWriteTokens: cacheWriteTokens(usage),
    estimated: outcome.estimated,
    cached: false,
    cost: costOf(prices, {
      model: outcome.model,
      usage,
      embedding: embedding ?? false,
      at: hold.createdAt,
    }),
    status: outcome.status,
    durationMs: outcome.durationMs,
    timeToFirstTokenMs: outcome.timeToFirstTokenMs,
    createdAt: hold.createdAt,
  };
}

/** At the prices of the moment at which room was held; null when they are not known. */
export function costOf(
  prices: Prices,
  call: { model: string; usage: ModelUsage; embedding: boolean; at: Date },
): Usd | null {
  const cost = call.embedding
    ? prices.embeddingCost(call.model, call.usage.inputTokens, call.at)
    : prices.costOf(call.model, call.usage, call.at);
  return cost === null ? null : usd(cost);
}

const cacheWriteTokens = (usage: ModelUsage): number =>
  usage.cacheWrite5mTokens + usage.cacheWrite1hTokens;
