import type { AuditEntry } from '../auth/audit/audit-log.ts';
import type { ApiKeyRecord } from '../auth/auth.ts';
import type { Caller, Role } from '../kernel/access/principal.ts';
import type { Scopes } from '../kernel/access/scopes.ts';
import type { AnyAgent } from '../kernel/agent.ts';
import type { ErrorCode, Issue } from '../kernel/errors.ts';
import type { AgentTurnRecord, ToolCallRecord } from '../kernel/events.ts';
import type { Message } from '../kernel/model.ts';
import type { ModelPrice } from '../kernel/prices.ts';
import type { Registered, RegisteredPlugin } from '../kernel/registry/registry.ts';
import type { Reranker } from '../kernel/reranker.ts';
import type {
  ApprovalRecord,
  BusyPolicy,
  CacheMode,
  Citation,
  DisconnectPolicy,
  HistoryPolicy,
  OutputFields,
  RunKind,
  RunStatus,
  SearchHit,
  TokenUsage,
} from '../kernel/run.ts';
import type { AnyTool } from '../kernel/tool.ts';
import type {
  CollectionRecord,
  DocumentRecord,
  IngestResult,
  ReembeddingRecord,
} from '../knowledge/knowledge.ts';
import type {
  AlertRecord,
  BudgetPeriod,
  BudgetRecord,
  CostDimension,
  CostStats,
  StatsBucket,
  StatsWindowInput,
  UsageRecordRow,
} from '../ledger/ledger.ts';
import type { Models, ProviderStatus } from '../model/models.ts';
import type {
  Assignment,
  ExperimentRecord,
  ExperimentVariantRecord,
  PromptLabelChangeRecord,
  PromptLabelRecord,
  PromptRecord,
  PromptVersionRecord,
  VariantStatistics,
} from '../prompts/prompts.ts';
import type { CostEstimate } from '../runs/calls/estimate-cost.ts';
import type { ConversationRecord } from '../runs/conversation/conversations.ts';
import type { RunOptions, ScoreRecord } from '../runs/runs.ts';
import type {
  PromptInputValue,
  RenderedPromptView,
  TextMessage,
} from './completions/prompt-values.ts';
import type { GraphQLContext } from './context.ts';
import type { Scope } from './limits/auth-scopes.ts';
import type { ErrorData, ErrorTypeName } from './results/error-data.ts';
import type { MessagePartObjects } from './runs/message.ts';
import type { RunEventType, RunEventView } from './runs/run-event-view.ts';
import type { OfRun, RunView } from './runs/run-view.ts';
import type { ServerStatus } from './services.ts';

/** Scopes as an input gives them: a member may be null. */
export type ScopesValue = { [Member in keyof Scopes]?: Scopes[Member] | null };

interface Scalar<Value, Input = Value> {
  Input: Input;
  Output: Value;
}

/** Any JSON value but null, which an input that may be left out adds. */
export type JsonInput = object | string | number | boolean;

/** Which value of ours stands behind each scalar and enum. (A type, not an interface: Pothos wants an index signature.) */
type Scalars = {
  ID: Scalar<string>;
  /** Outputs may come from JSON, where a date is its ISO text. */
  DateTime: Scalar<Date | string, Date>;
  JSON: Scalar<unknown, JsonInput>;
  SafeInt: Scalar<number>;
  USD: Scalar<string>;
  AlertKind: Scalar<AlertRecord['kind']>;
  ApprovalStatus: Scalar<ApprovalRecord['status']>;
  BudgetPeriod: Scalar<BudgetPeriod>;
  BusyPolicy: Scalar<BusyPolicy>;
  CacheMode: Scalar<CacheMode>;
  CostDimension: Scalar<CostDimension>;
  DisconnectPolicy: Scalar<DisconnectPolicy>;
  OutputFields: Scalar<OutputFields>;
  ErrorCode: Scalar<ErrorCode>;
  ExperimentStatus: Scalar<ExperimentRecord['status']>;
  HistoryPolicy: Scalar<HistoryPolicy>;
  MessageRole: Scalar<'USER' | 'ASSISTANT'>;
  Role: Scalar<Role>;
  RunKind: Scalar<RunKind>;
  RunStatus: Scalar<RunStatus>;
  SearchMode: Scalar<'HYBRID' | 'SEMANTIC' | 'KEYWORD'>;
  StatsBucket: Scalar<StatsBucket>;
};

type ErrorObjects = { [Code in ErrorCode as ErrorTypeName<Code>]: ErrorData<Code> };
type EventObjects = { [Type in RunEventType]: RunEventView<Type> };

/** Which value of ours stands behind each object type. */
interface Objects extends ErrorObjects, EventObjects, MessagePartObjects {
  Conversation: ConversationRecord;
  Message: Message;
  Agent: Registered<AnyAgent>;
  Reranker: Registered<Reranker>;
  AgentRun: RunView;
  AgentTurn: OfRun<AgentTurnRecord>;
  Alert: AlertRecord;
  Answer: RunView;
  ApiKey: ApiKeyRecord;
  Approval: ApprovalRecord;
  AuditEntry: AuditEntry;
  Budget: BudgetRecord;
  Citation: Citation;
  Collection: CollectionRecord;
  Completion: RunView;
  CostGroup: CostStats['groups'][number];
  CostPoint: CostStats['series'][number];
  CostEstimate: CostEstimate;
  CostStats: CostStats;
  CreatedApiKey: { apiKey: ApiKeyRecord; secret: string };
  Document: DocumentRecord;
  Experiment: ExperimentRecord;
  ExperimentAssignment: Assignment;
  ExperimentVariant: ExperimentVariantRecord;
  IngestedDocuments: RunView;
  IngestRun: RunView;
  Issue: Issue;
  Model: Awaited<ReturnType<Models['list']>>[number];
  ModelCost: CostStats['costByModel'][number];
  ModelPrice: ModelPrice;
  Plugin: RegisteredPlugin;
  Prompt: PromptRecord;
  PromptLabel: PromptLabelRecord;
  PromptLabelChange: PromptLabelChangeRecord;
  PromptVersion: PromptVersionRecord;
  ProviderStatus: ProviderStatus;
  Reembedding: ReembeddingRecord;
  RejectedDocument: IngestResult['rejected'][number];
  RenderedMessage: TextMessage;
  RenderedPrompt: RenderedPromptView;
  Scopes: Scopes;
  Score: ScoreRecord;
  ScoreSummary: VariantStatistics['scores'][number];
  SearchHit: SearchHit;
  ServerStatus: ServerStatus;
  Source: SearchHit;
  TokenTotals: Pick<
    CostStats,
    'inputTokens' | 'outputTokens' | 'cacheReadTokens' | 'cacheWriteTokens'
  >;
  TokenUsage: TokenUsage;
  Tool: Registered<AnyTool>;
  ToolCall: OfRun<ToolCallRecord>;
  UsageRecord: UsageRecordRow;
  Viewer: Caller;
}

interface Interfaces {
  Error: ErrorData;
  Run: RunView;
  RunEvent: RunEventView;
}

/** Inputs that more than one file refers to. */
interface Inputs {
  PromptInput: PromptInputValue;
  RunOptions: RunOptions;
  ScopesInput: ScopesValue;
  StatsWindow: StatsWindowInput;
}

/** Ties every GraphQL type of the built-in schema to the value behind it, for Pothos to check resolvers against. */
export interface TypeMap {
  Context: GraphQLContext;
  AuthScopes: Record<Scope, boolean>;
  DefaultFieldNullability: false;
  DefaultEdgesNullability: false;
  DefaultNodeNullability: false;
  Scalars: Scalars;
  Objects: Objects;
  Interfaces: Interfaces;
  Inputs: Inputs;
}
