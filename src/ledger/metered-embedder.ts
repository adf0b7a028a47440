import type { Embedder } from '../kernel/embedder.ts';
import type { CallStatus, EmbeddingPayer, Hold, HoldRequest, Ledger } from './ledger.ts';

/** English has a token for every four bytes, Chinese for about every two and a half. */
const bytesPerToken = 2;
/** For what an embedder puts around a text. */
const tokensAroundText = 8;

/**
 * The same embedder at somebody's expense: each call is held for, and settled for what was billed, however it ends.
 * Rejects with BUDGET_EXCEEDED, before anything is embedded, when the call could cost more than is left.
 */
export function meteredEmbedder(
  embedder: Embedder,
  billing: EmbeddingPayer,
  ledger: Pick<Ledger, 'hold' | 'settle' | 'release'>,
): Embedder {
  const { name, dimensions, weight } = embedder;
  return {
    name,
    dimensions,
    weight,
    async embed(texts, options) {
      if (texts.length === 0) return embedder.embed(texts, options);
      options.signal?.throwIfAborted();
      const hold = await ledger.hold(holdRequest(name, texts, billing));
      const startedAt = performance.now();
      let tokens = 0;
      let status: CallStatus = 'failed';
      try {
        const result = await embedder.embed(texts, {
          ...options,
          onBilled: (more) => {
            tokens += more;
          },
        });
        tokens = result.billedTokens;
        status = 'succeeded';
        return result;
      } finally {
        if (options.signal?.aborted && status === 'failed') status = 'cancelled';
        const durationMs = performance.now() - startedAt;
        await settle(ledger, hold, { tokens, status, durationMs });
      }
    },
  };
}

function holdRequest(
  model: string,
  texts: readonly string[],
  { tag, envelope = null }: EmbeddingPayer,
): HoldRequest {
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  return {
    tag,
    envelope,
    model,
    embedding: true,
    provider: model.split('/')[0] ?? model,
    estimatedInputTokens: Math.ceil(bytes / bytesPerToken) + texts.length * tokensAroundText,
    maxTokens: 0,
  };
}

async function settle(
  ledger: Pick<Ledger, 'settle' | 'release'>,
  hold: Hold,
  { tokens, ...how }: { tokens: number; status: CallStatus; durationMs: number },
): Promise<void> {
  if (tokens === 0) return ledger.release(hold);
  const { provider, model } = hold.request;
  const rest = { cacheReadTokens: 0, cacheWrite5mTokens: 0, cacheWrite1hTokens: 0 };
  const usage = { inputTokens: tokens, outputTokens: 0, ...rest };
  const outcome = { provider, model, usage, estimated: false, timeToFirstTokenMs: null };
  await ledger.settle(hold, { ...outcome, ...how });
}
