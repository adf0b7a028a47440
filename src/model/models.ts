import type { Log } from '../kernel/log.ts';
import type {
  AssistantMessage,
  ModelCall,
  ModelInformation,
  ModelSink,
  ModelUsage,
  StopReason,
} from '../kernel/model.ts';
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
  /** The user who is called for: where places are short, users take turns. */
  userId?: string;
  /** Names who is called for; default the room's own. */
  log?: Log;
  /** Called once for each attempt whose output began, with the first numbers that the provider reports. */
  onUsage?(usage: ModelUsage): void;
  /** Awaited after each attempt that was admitted. Its rejection ends the call. */
  onAttempt?(attempt: AttemptReport): Promise<void>;
  /** Awaited before each attempt but the first. Its rejection ends the call. */
  onRetry?(): Promise<void>;
}

/** One attempt's bill, whether or not it gave an answer: each that may have been billed must be recorded once. */
export interface AttemptReport {
  provider: string;
  model: ModelName;
  /** Not the chain's first model. */
  degraded: boolean;
  usage: ModelUsage;
  /** The numbers are ours, not the provider's. */
  estimated: boolean;
  /** False when the provider refused it before it began: nothing was billed. */
  billed: boolean;
  status: 'succeeded' | 'failed' | 'cancelled';
  durationMs: number;
  timeToFirstTokenMs: number | null;
}

/** How a call ended that was answered. */
export interface ModelAnswer {
  model: ModelName;
  provider: string;
  stopReason: StopReason;
  message: AssistantMessage;
  /** The provider's explanation of a refusal. */
  refusal: string | null;
  /** Not of the chain's first model. */
  degraded: boolean;
  timeToFirstTokenMs: number | null;
}

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
   * first byte, fallback before the first token, an idle watchdog, a truncation check. The sink is given the model's
   * public name with the first piece of the answer; attempts that failed before that leave nothing but their report.
   * Rejects with a `DomainError` (MODEL_*) or `signal.reason`, after `onAttempt`. An abort ends the provider's socket
   * at once.
   */
  call(request: ModelRequest, sink: ModelSink): Promise<ModelAnswer>;
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
