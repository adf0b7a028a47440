import type { ModelUsage } from './model.ts';

/** US dollars as an exact decimal string, never a float: "0.004215". */
export type Usd = string;

/** US dollars per million tokens, exact. */
export interface ModelPrice {
  inputPerMillion: Usd;
  outputPerMillion: Usd;
  cacheReadPerMillion: Usd | null;
  cacheWritePerMillion: Usd | null;
  effectiveFrom: Date | null;
}

/** Prices of tokens. Model names as the API shows them: "claude-haiku-5-5", "openai/gpt-x". */
export interface Prices {
  /** The exact cost of one request at a moment; null when the model's price is not known. */
  costOf(model: string, usage: ModelUsage, at: Date): Usd | null;
  /** The most a request with this much input and output can cost, without any cache hit; null if not known. */
  worstCase(model: string, inputTokens: number, maxOutputTokens: number, at: Date): Usd | null;
  /** Price of `tokens` embedded; null when not known, "0" for a local embedder. */
  embeddingCost(embedder: string, tokens: number, at: Date): Usd | null;
  priceOf(model: string, at: Date): ModelPrice | null;
}
