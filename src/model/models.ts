import type { Log } from '../kernel/log.ts';
import type { ModelCall, ModelEvent, ModelInformation, ModelUsage } from '../kernel/model.ts';
import type { ModelPrice } from '../kernel/prices.ts';

/** A model as the API names it: "claude-haiku-5-5" or "openai/gpt-x". */
export type ModelName = string;

export interface ModelRequest {
  /** Without `model`: the chain says which. */
  call: Omit<ModelCall, 'model'>;
  /** The first model, then the fallbacks in order. */
  chain: readonly ModelName[];
  /** Aborted by a cancel, a disconnect or the run's deadline. */
  signal: AbortSignal;
  /** May be moved (`setTime`) to later while the call is under way, and counts then. */
  deadlineAt: Date;
  /** Names who is called for; default the room's own. */
  log?: Log;
}

/** One attempt's bill, told whether or not it gave an answer: each that may have been billed must be recorded once. */
export interface AttemptReport {
  provider: string;
  model: ModelName;
  usage: ModelUsage;
  /** The numbers are ours, not the provider's. */
  estimated: boolean;
  /** False when the provider refused it before it began: nothing was billed. */
  billed: boolean;
  status: 'succeeded' | 'failed' | 'cancelled';
  durationMs: number;
  timeToFirstTokenMs: number | null;
}

/**
 * The provider's events with the model's public name in `start`, and one `attempt` report behind each attempt: after
 * `finish` when it succeeded, before the throw or the next attempt when not. `start` comes once, with the first piece
 * of the answer; attempts that failed before leave nothing but their report. `degraded`: not the chain's first model.
 * `retry` comes before each attempt but the first, which is made when the reader asks for more.
 */
export type ModelStreamEvent =
  | ModelEvent
  | { type: 'retry' }
  | { type: 'attempt'; attempt: AttemptReport; degraded: boolean };

/** A provider (`model` null) with the calls that wait for a place, or one of its models with its circuit breaker. */
export interface ProviderStatus {
  name: string;
  model: ModelName | null;
  breaker: 'closed' | 'open' | 'half-open';
  queued: number;
}

export interface Models {
  /** Rejects with MODEL_NOT_FOUND when no provider of this server is meant by the name; a null name is the default model. */
  resolve(name: string | null | undefined): ModelName;
  /** Where a model's answers come from (`ModelProvider.identity`). Rejects as `resolve` does. */
  identityOf(name: ModelName): string;
  /**
   * Runs the chain: per model the circuit breaker, per provider the concurrency limit, retries with backoff before the
   * first byte, fallback before the first token, an idle watchdog, a truncation check. The iterable throws a
   * `DomainError` (MODEL_*) or `signal.reason`; the `attempt` report of a failed attempt comes before the throw.
   * Leaving the iteration early aborts the provider's socket at once, but forgoes the report: to have it, abort the
   * signal and read on.
   */
  stream(request: ModelRequest): AsyncIterable<ModelStreamEvent>;
  /** Input tokens of the worst case, by the provider's own estimate; the greatest over the chain. */
  estimateInputTokens(call: Omit<ModelCall, 'model'>, chain: readonly ModelName[]): number;
  /**
   * Input tokens as the providers count them, the greatest over the chain; null when one of them does not answer within
   * two seconds, or cannot count.
   */
  countInputTokens(
    call: Omit<ModelCall, 'model'>,
    chain: readonly ModelName[],
    signal: AbortSignal,
  ): Promise<number | null>;
  information(name: ModelName): ModelInformation | null;
  list(): Promise<(ModelInformation & { provider: string; price: ModelPrice | null })[]>;
  status(): ProviderStatus[];
  /** Provider calls now open. */
  openCalls(): number;
  close(): Promise<void>;
}

/** What the response cache keeps of an answer. */
export interface CachedAnswer {
  model: ModelName;
  provider: string;
  text: string;
  stopReason: string;
  citations: unknown[];
}

/** Shared by all servers on the database, with a first level in memory. */
export interface ResponseCache {
  /** A digest of everything that changes the answer. */
  keyOf(parts: unknown): string;
  get(key: string): Promise<CachedAnswer | null>;
  set(key: string, answer: CachedAnswer): Promise<void>;
  close(): Promise<void>;
}
