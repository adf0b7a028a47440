import { Decimal } from 'decimal.js';
import type { Caller } from '../../kernel/access/principal.ts';
import type { ModelUsage } from '../../kernel/model.ts';
import type { ModelPrice, Usd } from '../../kernel/prices.ts';
import type { RunServices } from '../run-services.ts';
import type { CompletionRequest } from '../runs.ts';
import { callOf, chainOf, preparePrompt } from './prepared-prompt.ts';
import { selectedPrompt } from './selected-prompt.ts';

/** What a completion would cost now. */
export interface CostEstimate {
  /** The model that would be asked first. */
  model: string;
  /** As the provider counts them; estimated where it cannot. */
  inputTokens: number;
  /** Of the most expensive model of the chain, with all of `maxTokens` written; null when a price is not known. */
  worstCase: Usd | null;
  /** With as much output as such calls of the caller had lately; null when there were none, or no price is known. */
  typical: Usd | null;
  price: ModelPrice | null;
}

const countTimeoutMs = 5_000;
const recentMs = 30 * 24 * 60 * 60 * 1_000;

/** Calls no model. Rejects as the completion would: PROMPT_NOT_FOUND, PROMPT_VARIABLES_INVALID, MODEL_NOT_FOUND. */
export async function estimateCost(
  request: CompletionRequest,
  caller: Caller,
  services: RunServices,
): Promise<CostEstimate> {
  const { models, prices, prompts } = services;
  const options = request.options ?? {};
  const prepared = await preparePrompt(request.prompt, options.subject ?? caller.userId, prompts);
  const prompt = selectedPrompt(prepared, request);
  const call = callOf(prompt, request);
  const chain = chainOf(request, { prompt: prompt.model, options, models });
  const counted = await models.countInputTokens(call, chain, AbortSignal.timeout(countTimeoutMs));
  const inputTokens = counted ?? models.estimateInputTokens(call, chain);
  const now = new Date();
  const worst = chain.map((name) => prices.worstCase(name, inputTokens, call.maxTokens, now));
  const model = chain[0]!;
  const outputTokens = await recentOutputTokens(
    { caller, promptVersionId: prompt.promptVersionId, model },
    services,
  );
  return {
    model,
    inputTokens,
    worstCase: worst.includes(null) ? null : Decimal.max(...(worst as Usd[])).toFixed(),
    typical:
      outputTokens === null
        ? null
        : prices.costOf(model, usageOf(inputTokens, Math.min(outputTokens, call.maxTokens)), now),
    price: prices.priceOf(model, now),
  };
}

const usageOf = (inputTokens: number, outputTokens: number): ModelUsage => ({
  inputTokens,
  outputTokens,
  cacheReadTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
});

/** Output tokens of an average call of the last 30 days: of the prompt's version, else of the model. */
async function recentOutputTokens(
  {
    caller,
    promptVersionId,
    model,
  }: { caller: Caller; promptVersionId: string | null; model: string },
  { ledger }: RunServices,
): Promise<number | null> {
  const to = new Date();
  const { requests, cacheHits, errors, outputTokens } = await ledger.costStats({
    window: { from: new Date(to.getTime() - recentMs), to },
    userId: caller.userId,
    promptVersionId,
    model: promptVersionId === null ? model : null,
    percentiles: false,
  });
  const calls = requests - cacheHits - errors;
  return calls > 0 ? Math.round(outputTokens / calls) : null;
}
