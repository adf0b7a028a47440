import type { ModelUsage } from '../kernel/model.ts';
import type { Prices, Usd } from '../kernel/prices.ts';
import type { CallOutcome, Hold } from './ledger.ts';
import type { NewUsageRecord } from './usage-row.ts';
import { usd } from './usd.ts';

/**
 * The record of one billed attempt under a hold. The last attempt's id is the hold's, which makes settling idempotent;
 * the others' are counted up from it.
 */
export function recordOfAttempt(
  prices: Prices,
  hold: Hold,
  attempt: { outcome: CallOutcome; index: number },
): NewUsageRecord {
  const { outcome, index } = attempt;
  const { usage } = outcome;
  const { embedding } = hold.request;
  return {
    ...hold.request.tag,
    id: countUp(hold.id, index),
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

/** The random end of a UUID version 7 plus `steps`: the same for every attempt to write it, and next to it in order. */
function countUp(id: string, steps: number): string {
  const end = (BigInt(`0x${id.slice(-12)}`) + BigInt(steps)) & 0xffff_ffff_ffffn;
  return id.slice(0, -12) + end.toString(16).padStart(12, '0');
}
