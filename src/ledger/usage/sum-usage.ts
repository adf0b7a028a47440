import type { RunUsage } from '../ledger.ts';
import { sum, usd } from '../usd.ts';

/** What several runs came to together; the cost is null when that of one is not known. */
export function sumUsage(usages: readonly RunUsage[]): RunUsage {
  const total = (of: (usage: RunUsage) => number): number =>
    usages.reduce((tokens, usage) => tokens + of(usage), 0);
  const costs = usages.map(({ cost }) => cost);
  return {
    inputTokens: total(({ inputTokens }) => inputTokens),
    outputTokens: total(({ outputTokens }) => outputTokens),
    cacheReadTokens: total(({ cacheReadTokens }) => cacheReadTokens),
    cacheWriteTokens: total(({ cacheWriteTokens }) => cacheWriteTokens),
    estimated: usages.some(({ estimated }) => estimated),
    cost: costs.every((cost) => cost !== null) ? usd(sum(costs)) : null,
  };
}
