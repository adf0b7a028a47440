import type { Caller } from '../kernel/access/principal.ts';
import type { ErrorCode, StoredError } from '../kernel/errors.ts';
import type { AgentTurnRecord, RunEvent } from '../kernel/events.ts';
import type { Rerank } from '../kernel/knowledge-search.ts';
import type { Message } from '../kernel/model.ts';
import type { OutputSelection } from '../kernel/output-selection.ts';
import type { Page, PageRequest } from '../kernel/page.ts';
import type { Usd } from '../kernel/prices.ts';
import type {
  ApprovalRecord,
  BusyPolicy,
  CacheMode,
  DisconnectPolicy,
  HistoryPolicy,
  OutputFields,
  RunKind,
  RunStatus,
} from '../kernel/run.ts';
import type { ToolResult } from '../kernel/tools/run-tool.ts';
import type { DocumentToIngest } from '../knowledge/knowledge.ts';
import type { RunUsage } from '../ledger/ledger.ts';
import type { NamedPrompt } from '../prompts/prompts.ts';
import type { CostEstimate } from './calls/estimate-cost.ts';
import type { ConversationRecord, Conversations } from './conversation/conversations.ts';
import type { ToolCallRequest } from './tools/call-tool.ts';

export interface RunOptions {
  /** Which subject an experiment assigns by; the caller's user id when left out. */
  subject?: string | null;
  idempotencyKey?: string | null;
  timeoutMs?: number | null;
  fallbackModels?: readonly string[] | null;
  fallbackText?: string | null;
  cache?: CacheMode | null;
  maxCost?: Usd | null;
  onDisconnect?: DisconnectPolicy | null;
  /** `SELECTED`: a prompt's own field asks the model only for the output fields that the operation selects. */
  outputFields?: OutputFields | null;
  /** A run of the caller's that this one goes on from: its conversation comes before. */
  continues?: string | null;
  /** Goes on from the newest run of this conversation. Not together with `continues`. */
  conversation?: string | null;
  newConversation?: boolean | null;
  /** Default `REJECT`. */
  whileRunning?: BusyPolicy | null;
  /** Default `DROP_OLDEST`. */
  history?: HistoryPolicy | null;
  /** At most 20, of at most 64 characters each. */
  tags?: readonly string[] | null;
  /** Any JSON of at most 16 KiB. */
  metadata?: unknown;
}

/** Exactly one member is set. */
export type PromptChoice =
  | { text: string }
  | { messages: readonly { role: 'USER' | 'ASSISTANT'; text: string }[] }
  | { named: NamedPrompt };

export interface CompletionRequest {
  prompt: PromptChoice;
  system?: string | null;
  model?: string | null;
  maxTokens?: number | null;
  /** Of a prompt's own field: what the operation reads of the output; `true` for all of it. */
  outputSelection?: OutputSelection | null;
  options?: RunOptions | null;
}

export interface AnswerRequest {
  question: string;
  collection?: string | null;
  topK?: number | null;
  filter?: unknown;
  /** See `SearchRequest`. */
  diversity?: number | null;
  /** The name of a reranker. */
  rerank?: string | null;
  /** The prompt that words the instructions; "rag_qa" when left out. */
  prompt?: string | null;
  model?: string | null;
  maxTokens?: number | null;
  options?: RunOptions | null;
}

export interface AgentRequest {
  agent: string;
  message: string;
  maxTurns?: number | null;
  model?: string | null;
  options?: RunOptions | null;
}

export interface IngestRequest {
  collection: string;
  documents: readonly DocumentToIngest[];
  options?: RunOptions | null;
}

/** A run as its row tells it; usage and cost come from the ledger (`usageByRun`). */
export interface RunRecord {
  id: string;
  kind: RunKind;
  status: RunStatus;
  userId: string;
  requestId: string;
  model: string;
  promptVersionId: string | null;
  promptName: string | null;
  experimentId: string | null;
  variant: string | null;
  agent: string | null;
  parentRunId: string | null;
  /** The run whose conversation comes before this one's. */
  continuesRunId: string | null;
  conversationId: string | null;
  tags: readonly string[];
  metadata: unknown;
  /** What an agent was asked; "" for other runs. */
  message: string;
  /** What an answer was asked; "" for other runs. */
  question: string;
  /** Of a registered prompt; null for other runs. */
  variables: unknown;
  maxTurns: number;
  createdAt: Date;
  finishedAt: Date | null;
  durationMs: number | null;
  timeToFirstTokenMs: number | null;
  text: string;
  output: unknown;
  /** What was asked of the output on a prompt's own field; null for other runs. */
  outputSelection: OutputSelection | null;
  stopReason: string | null;
  cached: boolean;
  degraded: boolean;
  error: StoredError | null;
  /** What its calls summed to, where this server has seen them all; else the ledger is to be asked. Not stored. */
  spent?: RunUsage;
}

/** What the runs of a list have in common. What is left out, or null, is not asked. */
export interface RunFilter {
  kinds?: readonly RunKind[] | null;
  statuses?: readonly RunStatus[] | null;
  userId?: string | null;
  model?: string | null;
  /** A registered prompt's name. */
  prompt?: string | null;
  agent?: string | null;
  conversationId?: string | null;
  /** Runs that have all of them. */
  tags?: readonly string[] | null;
  errorCode?: ErrorCode | null;
  /** Included. */
  createdAfter?: Date | null;
  /** Not included. */
  createdBefore?: Date | null;
  /** Of ended runs whose cost is known. */
  minCost?: Usd | null;
  /** Words that all stand in what was asked or answered. Only runs that have ended are searched. */
  text?: string | null;
}

export interface ScoreRecord {
  id: string;
  runId: string;
  name: string;
  value: number;
  comment: string | null;
  createdAt: Date;
}

/** A reader of a run's log, and its tie to the client that reads. */
export interface RunHandle {
  runId: string;
  /**
   * The public events behind `after` (a position; 0 for all), in order, without loss or repetition, wherever the run is
   * live, until the last. Ending the iteration early is the client going away; say how with `leave` before.
   */
  events(after?: number): AsyncIterableIterator<RunEvent>;
  /** The run when it has ended or waits for an approval. */
  result(): Promise<RunRecord>;
  /** The client left: on purpose (an unsubscribe) or because the connection was lost. Policy CANCEL acts on it. */
  leave(how: 'unsubscribed' | 'disconnected'): void;
}

/** Runs that one key, or one user, has begun. */
export type RunsOf = { apiKeyId: string } | { userId: string };

export interface Runs {
  /**
   * Each starts a run and returns at once. What keeps a run from starting (an unknown prompt, no budget) ends it FAILED;
   * `result()` tells. Rejects only with CONFLICT (an idempotency key with other input), AGENT_NOT_FOUND, and an
   * `InvalidInputError` for a filter that says nothing sensible or an unknown reranker.
   */
  complete(request: CompletionRequest, caller: Caller): Promise<RunHandle>;
  answer(request: AnswerRequest, caller: Caller): Promise<RunHandle>;
  runAgent(request: AgentRequest, caller: Caller): Promise<RunHandle>;
  ingest(request: IngestRequest, caller: Caller): Promise<RunHandle>;
  /**
   * One call of a tool outside of any run, shown to plugins' hooks as every other. Failures that the caller can mend are
   * results with `isError`. Rejects with NOT_FOUND for a tool that is not there, and with `signal.reason`.
   */
  callTool(request: ToolCallRequest, caller: Caller): Promise<ToolResult>;
  /**
   * A reranker for a search of this caller's: what it asks of a model is a run of its own. Throws an `InvalidInputError`
   * when there is none of that name.
   */
  rerank(
    request: { reranker: string; query: string; signal?: AbortSignal },
    caller: Caller,
  ): Rerank;
  /** What a completion would cost; calls no model. Rejects as the completion would. */
  estimateCost(request: CompletionRequest, caller: Caller): Promise<CostEstimate>;
  /** Joins a run whose content the caller may read. Rejects with RUN_NOT_FOUND. */
  join(runId: string, caller: Caller): Promise<RunHandle>;
  /** Null when there is none, or the caller may not know of it. What was said in it is not for every role. */
  get(runId: string, caller: Caller): Promise<RunRecord | null>;
  /** Newest first. Throws `InvalidInputError` for a bad cursor or page size, or a text without a word. */
  list(request: PageRequest & { filter: RunFilter }): Promise<Page<RunRecord>>;
  /** Stops all unfinished runs of a key or a user, on whichever server, without waiting for their ends. Resolves with their number. */
  cancelAll(of: RunsOf): Promise<number>;
  /** Stops it on whichever server it is, for its owner, an operator or an admin. Rejects with RUN_NOT_FOUND, CONFLICT when it has ended already. */
  cancel(runId: string, caller: Caller): Promise<RunRecord>;
  /** All stored public events of finished and live runs alike, for fields that are read off the log. */
  storedEvents(runIds: readonly string[]): Promise<RunEvent[][]>;
  /**
   * What each run sent to the model, its own turns and the system prompt left out: the conversation before it, as much of it
   * as went along, and its own messages.
   */
  messages(runIds: readonly string[]): Promise<Message[][]>;
  conversations: Conversations;
  /**
   * Stops what still runs in a conversation, forgets what was said in all of its runs, and forgets the conversation. What
   * they cost stays. Resolves with it as it was; null when there is none.
   */
  deleteConversation(id: string): Promise<ConversationRecord | null>;
  /** An agent's turns, a last one that waits for its tools included. */
  turns(runIds: readonly string[]): Promise<AgentTurnRecord[][]>;
  /** Of each run and of the sub-agents' runs below it, oldest first. */
  approvals(runIds: readonly string[]): Promise<ApprovalRecord[][]>;
  approvalsById(ids: readonly string[]): Promise<(ApprovalRecord | null)[]>;
  /** Those that the caller may decide, oldest first. */
  pendingApprovals(request: PageRequest, caller: Caller): Promise<Page<ApprovalRecord>>;
  /** The pending ones, then each new one as it is asked for, on whichever server. Ends with `return()` only. */
  approvalRequests(caller: Caller): AsyncIterableIterator<ApprovalRecord, undefined>;
  /** Whether the caller is one of those whom the tool asks. */
  mayDecide(approval: ApprovalRecord, caller: Caller): boolean;
  /**
   * By one of those whom the tool asks. Rejects with FORBIDDEN, NOT_FOUND, APPROVAL_CONFLICT (decided, expired, or its run is over),
   * PROMPT_VARIABLES_INVALID (edited input).
   */
  decideApproval(
    input: { approvalId: string; approve: boolean; reason?: string | null; editedInput?: unknown },
    caller: Caller,
  ): Promise<ApprovalRecord>;
  /** By its owner or an admin. Rejects with RUN_NOT_FOUND. */
  score(
    input: { runId: string; name: string; value: number; comment?: string | null },
    caller: Caller,
  ): Promise<ScoreRecord>;
  scoresById(ids: readonly string[]): Promise<(ScoreRecord | null)[]>;
  /** Of each run, oldest first. */
  scoresOf(runIds: readonly string[]): Promise<ScoreRecord[][]>;
  /** The runs of sub-agents that work for each run, oldest first. */
  subRuns(runIds: readonly string[]): Promise<RunRecord[][]>;
  /** Streams now read by clients. */
  openStreams(): number;
  /** Refuses new runs, lets those in flight end until `deadline`, then interrupts them; every usage record is written. */
  drain(deadline: Date): Promise<void>;
}
