import { Decimal } from 'decimal.js';
import type { Database } from '../../../src/data/database.ts';
import { newId } from '../../../src/data/new-id.ts';
import type { Embedder } from '../../../src/kernel/embedder.ts';
import type { ModelUsage } from '../../../src/kernel/model.ts';
import type { Prices } from '../../../src/kernel/prices.ts';
import { createLedger, type LedgerOptions } from '../../../src/ledger/create-ledger.ts';
import type {
  CallOutcome,
  HoldRequest,
  Ledger,
  UsageRecordRow,
  UsageTag,
} from '../../../src/ledger/ledger.ts';
import { usageColumns } from '../../../src/ledger/usage/usage-row.ts';
import { testLog } from '../../support/test-log.ts';

/** US dollars per token: input, output. Cache reads cost a tenth of input, writes 1.25 and 2 times as much. */
const models: Record<string, [string, string]> = {
  small: ['0.000001', '0.000005'],
  large: ['0.000003', '0.000015'],
};

const per = (model: string): { input: Decimal; output: Decimal } | null => {
  const price = models[model];
  return price ? { input: new Decimal(price[0]), output: new Decimal(price[1]) } : null;
};

export const fakePrices: Prices = {
  costOf(model, usage) {
    const price = per(model);
    if (!price) return null;
    return price.input
      .times(usage.inputTokens)
      .plus(price.input.times('0.1').times(usage.cacheReadTokens))
      .plus(price.input.times('1.25').times(usage.cacheWrite5mTokens))
      .plus(price.input.times('2').times(usage.cacheWrite1hTokens))
      .plus(price.output.times(usage.outputTokens))
      .toFixed();
  },
  worstCase(model, inputTokens, maxOutputTokens) {
    const price = per(model);
    if (!price) return null;
    return price.input
      .times(2)
      .times(inputTokens)
      .plus(price.output.times(maxOutputTokens))
      .toFixed();
  },
  embeddingCost: (embedder, tokens) =>
    embedder === 'local' ? '0' : new Decimal('0.00000002').times(tokens).toFixed(),
  priceOf: () => null,
};

export const tag = (part: Partial<UsageTag> = {}): UsageTag => ({
  runId: newId(),
  requestId: 'request-1',
  userId: 'ada',
  groups: [],
  apiKeyId: null,
  accessTokens: [],
  kind: 'COMPLETION',
  tags: [],
  agent: null,
  conversationId: null,
  promptVersionId: null,
  promptName: null,
  experimentId: null,
  variant: null,
  ...part,
});

/** By default a call of "small" with room for 100 output tokens and no input: it holds $0.0005. */
export const request = (part: Partial<HoldRequest> = {}): HoldRequest => ({
  tag: tag(),
  provider: 'anthropic',
  model: 'small',
  estimatedInputTokens: 0,
  maxTokens: 100,
  ...part,
});

export const usage = (part: Partial<ModelUsage> = {}): ModelUsage => ({
  inputTokens: 0,
  cacheReadTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  outputTokens: 0,
  ...part,
});

export const outcome = (
  tokens: Partial<ModelUsage> = {},
  part: Partial<CallOutcome> = {},
): CallOutcome => ({
  provider: 'anthropic',
  model: 'small',
  usage: usage(tokens),
  estimated: false,
  status: 'succeeded',
  durationMs: 120,
  timeToFirstTokenMs: 30,
  ...part,
});

/** An embedder that bills so many tokens for each text. */
export const embedderThatBills = (name: string, tokens: number): Embedder => ({
  name,
  dimensions: 1,
  weight: 0.5,
  embed: async (texts) => ({ vectors: texts.map(() => [1]), billedTokens: texts.length * tokens }),
});

export const openLedger = (
  database: Database,
  options: Partial<LedgerOptions> = {},
): Ledger & AsyncDisposable => {
  const ledger = createLedger({
    database,
    prices: fakePrices,
    serverId: newId(),
    log: testLog,
    ...options,
  });
  return Object.assign(ledger, { [Symbol.asyncDispose]: () => ledger.close() });
};

const { accessTokens: _, ...recordTag } = tag();

export const usageRecord = (part: Partial<UsageRecordRow> = {}): UsageRecordRow => ({
  ...recordTag,
  runId: newId(),
  id: newId(),
  provider: 'anthropic',
  model: 'small',
  inputTokens: 10,
  outputTokens: 5,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  estimated: false,
  cached: false,
  cost: '0.001',
  status: 'succeeded',
  durationMs: 100,
  timeToFirstTokenMs: null,
  createdAt: new Date(),
  ...part,
});

export const insertRecords = async (
  database: Database,
  records: readonly UsageRecordRow[],
): Promise<void> => {
  await database.query(
    `INSERT INTO "UsageRecord" (${usageColumns.map((column) => `"${column}"`).join(', ')})
     SELECT ${usageColumns.map((column) => `r."${column}"`).join(', ')}
     FROM jsonb_populate_recordset(NULL::"UsageRecord", $1::jsonb) r`,
    [JSON.stringify(records)],
  );
};

/** Empties what the ledger writes, so that tests of one file share a database. */
export const clearLedger = async (database: Database): Promise<void> => {
  await database.query(
    'TRUNCATE "UsageRecord", "Hold", "Budget", "SpendingWindow", "Alert", "RunEvent"',
  );
};

/** Calls `probe` until it answers something, for up to five seconds. */
export async function eventually<Result>(
  probe: () => Promise<Result | null | undefined | false> | Result | null | undefined | false,
): Promise<Result> {
  const deadline = Date.now() + 5_000;
  for (;;) {
    const result = await probe();
    if (result) return result;
    if (Date.now() > deadline) throw new Error('It did not come to pass within five seconds.');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
