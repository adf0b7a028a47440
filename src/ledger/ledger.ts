import type { BudgetPeriod, BudgetScope } from '../kernel/budget.ts';
import type { MeterEmbedder } from '../kernel/embedder.ts';
import type { ModelUsage } from '../kernel/model.ts';
import type { Page, PageRequest } from '../kernel/page.ts';
import type { Usd } from '../kernel/prices.ts';
import type { RunKind } from '../kernel/run.ts';

/** Attribution of a billed call: budgets and statistics know it by these. */
export interface UsageTag {
  runId: string;
  requestId: string;
  userId: string;
  groups: readonly string[];
  apiKeyId: string | null;
  /** Ids of access tokens that pay for it, the outermost first. */
  accessTokens: readonly string[];
  kind: RunKind;
  /** Of the run. */
  tags: readonly string[];
  agent: string | null;
  conversationId: string | null;
  promptVersionId: string | null;
  promptName: string | null;
  experimentId: string | null;
  variant: string | null;
}

export interface HoldRequest {
  tag: UsageTag;
  /** A call of an embedder, which `model` then names; `maxTokens` is 0. */
  embedding?: boolean;
  provider: string;
  /** As the API shows it. With a fallback chain: the one whose worst case costs most. */
  model: string;
  /** Other models that may answer instead: budgets of theirs need room too. */
  fallbacks?: readonly string[];
  estimatedInputTokens: number;
  maxTokens: number;
  /** A refusal would not be the last word: it raises no alert. */
  provisional?: boolean;
  /** A run's own bound: what all calls that name `runId` here, its sub-agents' included, may cost together. */
  envelope?: { runId: string; limit: Usd } | null;
}

/** Who pays for what an embedder bills. */
export type EmbeddingPayer = Pick<HoldRequest, 'tag' | 'envelope'>;

/** Room in every budget that applies, reserved until it is settled. */
export interface Hold {
  id: string;
  request: HoldRequest;
  /** Null where the price is not known and no budget forbids that. */
  amount: Usd | null;
  createdAt: Date;
}

export type CallStatus = 'succeeded' | 'failed' | 'cancelled' | 'interrupted';

export interface CallOutcome {
  /** The model that answered, which may be a fallback of the one the hold names. */
  provider: string;
  model: string;
  usage: ModelUsage;
  /** True when the provider did not report the final numbers. */
  estimated: boolean;
  status: CallStatus;
  durationMs: number;
  timeToFirstTokenMs: number | null;
}

export interface UsageRecordRow extends Omit<UsageTag, 'accessTokens'> {
  id: string;
  provider: string;
  model: string;
  /** Everything sent, cache reads and writes included. */
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  estimated: boolean;
  cached: boolean;
  cost: Usd | null;
  status: string;
  durationMs: number;
  timeToFirstTokenMs: number | null;
  /** When the call's room was held: the day and month that pay for it. */
  createdAt: Date;
}

export interface BudgetRecord {
  id: string;
  scope: BudgetScope;
  /** A user id, a group, a key's id, a tag, a model, or "*": each one of the scope that has no budget of its own. */
  subject: string;
  period: BudgetPeriod;
  limit: Usd;
  /** Of the current window. For a default: 0, unless asked for a subject. */
  spent: Usd;
  held: Usd;
  remaining: Usd;
  resetsAt: Date;
}

export interface BudgetSubject {
  scope: BudgetScope;
  subject: string;
}

export interface BudgetInput {
  /** "USER" when left out. */
  scope?: BudgetScope | null;
  subject: string;
  period: BudgetPeriod;
  limit: Usd;
}

export interface StatsWindowInput {
  from?: Date | null;
  to?: Date | null;
  /** ISO 8601 duration back from `to`; "PT1H" when neither `from` nor this is given. */
  last?: string | null;
}

export type CostDimension =
  | 'MODEL'
  | 'USER'
  | 'PROMPT'
  | 'PROMPT_VERSION'
  | 'VARIANT'
  | 'KIND'
  | 'API_KEY';
export type StatsBucket = 'MINUTE' | 'HOUR' | 'DAY' | 'MONTH';

export interface CostStatsRequest {
  window?: StatsWindowInput | null;
  userId?: string | null;
  model?: string | null;
  prompt?: string | null;
  promptVersionId?: string | null;
  kind?: RunKind | null;
  groupBy?: readonly CostDimension[] | null;
  bucket?: StatsBucket | null;
  /** False spares the sorting of all durations, half of the work on a long window: p50, p95 and p99 are then null. */
  percentiles?: boolean | null;
}

export interface CostStats {
  /** Billed calls and cache hits. */
  requests: number;
  errors: number;
  cacheHits: number;
  totalCost: Usd;
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  averageDurationMs: number | null;
  p50DurationMs: number | null;
  p95DurationMs: number | null;
  p99DurationMs: number | null;
  averageTimeToFirstTokenMs: number | null;
  costByModel: { model: string; requests: number; cost: Usd }[];
  groups: {
    key: Record<string, string | null>;
    requests: number;
    totalCost: Usd;
    inputTokens: number;
    outputTokens: number;
    cacheReadTokens: number;
    cacheWriteTokens: number;
    averageDurationMs: number | null;
  }[];
  series: {
    start: Date;
    requests: number;
    totalCost: Usd;
    inputTokens: number;
    outputTokens: number;
    cacheReadTokens: number;
    cacheWriteTokens: number;
    errors: number;
  }[];
}

export interface AlertRecord {
  id: string;
  kind: 'HIGH_COST_REQUEST' | 'BUDGET_THRESHOLD' | 'BUDGET_EXCEEDED';
  message: string;
  userId: string | null;
  runId: string | null;
  cost: Usd | null;
  threshold: Usd | null;
  createdAt: Date;
}

export interface UsageExportRequest {
  userId?: string | null;
  from?: Date | null;
  to?: Date | null;
  /** "csv": RFC 4180 with a header line. "jsonl": one JSON object a line. */
  format: 'csv' | 'jsonl';
}

export interface Ledger {
  /**
   * Reserves the worst case in every budget that applies, in one atomic statement: `spent + held <= limit` at every
   * instant on every server. Rejects with BUDGET_EXCEEDED (retryable when only others' holds stand in the way), and
   * within 5 s when the database is away.
   */
  hold(request: HoldRequest): Promise<Hold>;
  /** Writes the usage record, adds its cost to the windows and releases the hold, all in one transaction. Idempotent. */
  settle(hold: Hold, outcome: CallOutcome): Promise<UsageRecordRow>;
  /** Gives the room back when no call was made and nothing can have been billed. */
  release(hold: Hold): Promise<void>;
  /** A record without a model call: a cache hit costs nothing and says so. */
  recordCacheHit(
    tag: UsageTag,
    hit: { provider: string; model: string; durationMs: number },
  ): Promise<UsageRecordRow>;
  /**
   * Embedders at the billing's expense: each call is held for and settled. One that costs nothing, as a local embedder, is
   * left as it is.
   */
  meterEmbedders(billing: EmbeddingPayer): MeterEmbedder;

  /**
   * Applies at once, on every server. A new budget counts what its subject has spent since its window began. Throws
   * `InvalidInputError` for a limit that is no amount and a subject that its scope does not know.
   */
  setBudget(input: BudgetInput): Promise<BudgetRecord>;
  /** Resolves with the budget that was; null when there is none of this id. */
  deleteBudget(id: string): Promise<BudgetRecord | null>;
  /** What applies to these subjects, defaults included, with their own spending; null: all there are. */
  budgets(subjects: readonly BudgetSubject[] | null): Promise<BudgetRecord[]>;
  budgetsById(ids: readonly string[]): Promise<(BudgetRecord | null)[]>;
  /** Throws `InvalidWindowError` for a window or a number of buckets that makes no sense. */
  costStats(request: CostStatsRequest): Promise<CostStats>;
  /** Newest first; pages in constant time at any depth. Throws `InvalidInputError` for a bad cursor or page size. */
  usageRecords(
    request: PageRequest & { userId?: string | null; runId?: string | null },
  ): Promise<Page<UsageRecordRow>>;
  usageRecordsById(ids: readonly string[]): Promise<(UsageRecordRow | null)[]>;
  /** What the calls of each run summed to, batched. */
  usageByRun(runIds: readonly string[]): Promise<RunUsage[]>;
  alerts(request: PageRequest): Promise<Page<AlertRecord>>;
  alertsById(ids: readonly string[]): Promise<(AlertRecord | null)[]>;
  /** Every alert that any server raises from now on, each once, until `return()`. */
  alertsRaised(): AsyncIterableIterator<AlertRecord, undefined>;
  /**
   * Settles by estimate, flagged, what servers that died have held; resolves with how many calls. Called by the
   * deployment's sweep, on any number of servers at once.
   */
  settleHoldsOf(serverIds: readonly string[]): Promise<number>;
  /** All usage records of a span (`to` excluded), oldest first, as text in pieces; nothing is loaded whole. */
  exportUsage(request: UsageExportRequest): AsyncIterable<string>;
  /** Deletes usage records, alerts and windows from before `olderThan`; resolves with the number of records. */
  purgeUsage(olderThan: Date): Promise<number>;
  /**
   * Sums up some more records, so that `costStats` need not read them; resolves with false when nothing is left to do, or
   * another server is at it. Called again and again, in the background, on any number of servers at once.
   */
  rollUpUsage(): Promise<boolean>;
  /** Writes what is still to be written, for up to ten seconds. */
  close(): Promise<void>;
}

export interface RunUsage {
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  estimated: boolean;
  /** "0" for a run without calls; null when the price of one is not known. */
  cost: Usd | null;
}
