import type { z } from 'zod';
import type { Log } from './log.ts';

/** A passage the model may cite. Each entry of `passages` is the smallest citable unit. */
export interface SearchResultBlock {
  type: 'search_result';
  source: string;
  title: string;
  passages: string[];
}

export type UserBlock =
  | { type: 'text'; text: string }
  | SearchResultBlock
  | {
      type: 'tool_result';
      toolCallId: string;
      content: (Extract<UserBlock, { type: 'text' }> | SearchResultBlock)[];
      isError: boolean;
    };

export interface ToolCallBlock {
  type: 'tool_call';
  id: string;
  name: string;
  input: unknown;
}

export type AssistantBlock = { type: 'text'; text: string } | ToolCallBlock;

export interface UserMessage {
  role: 'user';
  content: UserBlock[];
}

export interface AssistantMessage {
  role: 'assistant';
  content: AssistantBlock[];
  /**
   * The provider's own content (thinking included), which may be sent back to it unchanged; any other reads `content`.
   * `after`: a digest of everything that was sent before the turn, without which its content holds nowhere else.
   */
  verbatim?: { provider: string; content: unknown; after?: string };
}

export type Message = UserMessage | AssistantMessage;

export interface ToolSpecification {
  name: string;
  description: string;
  /** JSON Schema of the input object. */
  inputSchema: Record<string, unknown>;
}

/** Whether the model may or must call a tool, or which one it must. */
export type ToolChoice = { mode: 'auto' | 'none' | 'required' } | { tool: string };

/** One call of a model, free of any provider's dialect. */
export interface ModelCall {
  /** As the provider knows it, without a provider prefix. */
  model: string;
  system?: string;
  messages: Message[];
  tools?: ToolSpecification[];
  /** Left out: the model decides. Some models refuse to be made to call one. */
  toolChoice?: ToolChoice;
  /** Most output tokens, thinking included. */
  maxTokens: number;
  /** The answer must be JSON of this schema. Not together with citable search results. */
  outputSchema?: z.ZodType;
  /** Lets the model think before it answers; the summary of it is streamed. */
  thinking?: boolean;
  effort?: 'low' | 'medium' | 'high' | 'max';
}

/** Tokens as billed. `inputTokens` excludes what was read from or written to the provider's prompt cache. */
export interface ModelUsage {
  inputTokens: number;
  cacheReadTokens: number;
  cacheWrite5mTokens: number;
  cacheWrite1hTokens: number;
  /** Thinking included. */
  outputTokens: number;
}

export const zeroUsage: Readonly<ModelUsage> = {
  inputTokens: 0,
  cacheReadTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  outputTokens: 0,
};

export type StopReason =
  | 'end_turn'
  | 'max_tokens'
  | 'stop_sequence'
  | 'tool_use'
  | 'pause_turn'
  | 'refusal'
  | 'context_window_exceeded';

/** A citation as the provider gives it; indexes count the search results and passages of the whole conversation. */
export interface ModelCitation {
  searchResultIndex: number;
  /** From `startPassage` to before `endPassage`. */
  startPassage: number;
  endPassage: number;
  citedText: string;
}

/**
 * What a provider yields, in order: `start` once headers and first event came, any number of deltas, `usage` whenever
 * the provider reports cumulative numbers, `finish` exactly once and last. A stream that ends without `finish` failed.
 * A stream that breaks or is aborted after `start` should yield a last `usage` of what was billed before it throws.
 */
export type ModelEvent =
  | { type: 'start'; model: string; providerRequestId?: string }
  | { type: 'text'; text: string }
  | { type: 'thinking'; text: string }
  | { type: 'citation'; citation: ModelCitation }
  /** `estimated`: the output was counted by us, because the provider had not said its number when the stream broke. */
  | { type: 'usage'; usage: ModelUsage; estimated?: boolean }
  | {
      type: 'finish';
      stopReason: StopReason;
      usage: ModelUsage;
      message: AssistantMessage;
      refusal?: string;
    };

/** How a call ended that was answered. */
export type ModelFinish = Omit<Extract<ModelEvent, { type: 'finish' }>, 'type'>;

/** Takes what a model says as it comes. Each method returns at once: nothing pushes back on the provider. */
export interface ModelSink {
  /** Once, before everything else. */
  start(model: string): void;
  text(text: string): void;
  thinking(text: string): void;
  citation(citation: ModelCitation): void;
}

/** What a provider reports besides. */
export interface ProviderSink extends ModelSink {
  start(model: string, providerRequestId?: string): void;
  /** Cumulative numbers as the provider reports them. `estimated` as in `ModelEvent`. */
  usage(usage: ModelUsage, estimated?: boolean): void;
}

export interface ModelInformation {
  id: string;
  contextWindow?: number;
  maxOutputTokens?: number;
  lifecycle?: string;
}

export interface ModelStreamOptions {
  signal: AbortSignal;
  deadlineAt?: Date;
  /** To be called whenever bytes came, keep-alives too: a provider that is heard is not idle. */
  onActivity?: () => void;
  /** Its lines name the run and the request that the call is for. */
  log?: Log;
}

/**
 * A source of model answers. Implementations do one attempt of one call and translate; retries, chains, budgets,
 * caches and watchdogs are the caller's. Errors are `DomainError`s with a MODEL_* code, except an abort, which
 * rejects with `signal.reason`. Aborting ends the provider's socket at once, also while it is silent.
 */
export interface ModelProvider {
  /** 'anthropic', 'openai': the part before '/' in a model name; 'anthropic' may be left out. */
  name: string;
  /**
   * Where the answers come from, such as the base URL: what was cached of one place is never served as another's. Holds
   * no secret. Default: the name.
   */
  identity?: string;
  stream(call: ModelCall, options: ModelStreamOptions): AsyncIterable<ModelEvent>;
  /**
   * The same call without an iterator, and used in place of `stream` where it is there: events go to the sink, and the
   * finish is the result. Text that came in one piece of bytes is best passed on in one piece. Resolves once the
   * response has ended too, or a second after the finish, so that its connection can be used again.
   */
  call?(call: ModelCall, options: ModelStreamOptions, sink: ProviderSink): Promise<ModelFinish>;
  /** Input tokens the call would be billed at most, estimated without a network call: never below the truth in practice. */
  estimateInputTokens(call: ModelCall): number;
  /**
   * Input tokens of the call, as the provider counts them; by the network, at no cost. Rejects like `stream`. A provider
   * that cannot count leaves it out.
   */
  countInputTokens?(call: ModelCall, signal: AbortSignal): Promise<number>;
  /** The provider's catalogue. May call the network; rejects like `stream`. */
  listModels(signal?: AbortSignal): Promise<ModelInformation[]>;
  /** Lets go of pooled connections. */
  close?(): Promise<void>;
}
