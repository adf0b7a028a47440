import type { StoredError } from './errors.ts';
import type { RunEvent } from './events.ts';
import type { ModelCall, ModelUsage } from './model.ts';
import type { RunKind } from './run.ts';

export interface HookContext {
  runId: string;
  /** TOOL: a tool that was called outside of any run, over MCP; `runId` then names that call alone. */
  kind: RunKind | 'TOOL';
  userId: string;
  requestId: string;
  signal: AbortSignal;
}

export interface AlertNotice {
  id: string;
  kind: 'HIGH_COST_REQUEST' | 'BUDGET_THRESHOLD' | 'BUDGET_EXCEEDED';
  message: string;
  userId: string | null;
  runId: string | null;
  cost: string | null;
  threshold: string | null;
  createdAt: Date;
}

export interface RunOutcome {
  status: 'SUCCEEDED' | 'FAILED' | 'CANCELLED';
  /** The model that answered last; the embedding model of an ingest. */
  model: string;
  error: StoredError | null;
  durationMs: number;
}

/**
 * Called in the order of the plugin list, each bounded to 5 s. `before…` hooks are gates: a throw refuses the call
 * (a `DomainError` as it is, anything else as MODEL_UNAVAILABLE), and each caller is asked for, also when the answer then
 * comes from the cache or from another caller's call. The others observe: a throw is logged, nothing more.
 */
export interface Hooks {
  beforeModelCall?(call: Readonly<ModelCall>, context: HookContext): void | Promise<void>;
  afterModelCall?(
    outcome: {
      model: string;
      usage: ModelUsage;
      cost: string | null;
      status: string;
      durationMs: number;
    },
    context: HookContext,
  ): void | Promise<void>;
  afterToolCall?(
    outcome: {
      tool: string;
      input: unknown;
      output: unknown;
      isError: boolean;
      durationMs: number;
    },
    context: HookContext,
  ): void | Promise<void>;
  /** Every event of every run, each piece of text included: `onRunEnd` costs less where only the end counts. */
  onRunEvent?(event: RunEvent, context: Omit<HookContext, 'signal'>): void | Promise<void>;
  /** Once for each run, on the server that ended it. */
  onRunEnd?(outcome: RunOutcome, context: Omit<HookContext, 'signal'>): void | Promise<void>;
  onAlert?(alert: AlertNotice): void | Promise<void>;
}

/** Hooks, and the name of the plugin that brought them. */
export interface RegisteredHooks {
  plugin: string;
  hooks: Hooks;
}
