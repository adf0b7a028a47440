import type { StoredError } from './errors.ts';
import type { AssistantMessage, ModelUsage } from './model.ts';
import type { Citation, SearchHit, TokenUsage } from './run.ts';

/** A tool call within a turn's record. */
export interface ToolCallRecord {
  id: string;
  tool: string;
  input: unknown;
  output: unknown;
  isError: boolean;
  attempts: number;
  durationMs: number | null;
}

export interface AgentTurnRecord {
  number: number;
  text: string;
  toolCalls: ToolCallRecord[];
  usage: TokenUsage;
  /** US dollars, exact; null when the model's price is not known. */
  cost: string | null;
}

/** The most that the model is shown of a result: characters of its text, or tokens of its sources. */
export interface ShownResult {
  characters: number;
  sourceTokens: number;
}

/** A part of a structured output that is whole now. A value that holds others has none of its own here. */
export interface WholeValue {
  /** A JSON Pointer; "" is the output itself. */
  pointer: string;
  /** Left out of objects and lists that are not empty: their parts came before. */
  value?: unknown;
}

/** Events that subscribers receive, by their names in the public schema. */
export type PublicRunEvent =
  | { type: 'RunStarted'; model: string; promptVersionId: string | null }
  | { type: 'SourcesFound'; sources: SearchHit[] }
  /** Ingest progress: `documents` of `total` are stored. */
  | { type: 'DocumentsIngested'; documents: number; total: number }
  | { type: 'TextDelta'; text: string }
  | { type: 'ThinkingDelta'; text: string }
  | { type: 'CitationFound'; citation: Citation }
  /** `prompt`: the one whose own field the run was begun on. */
  | { type: 'OutputProgressed'; prompt: string | null; whole: WholeValue[] }
  | { type: 'ToolCallStarted'; callId: string; tool: string; input: unknown }
  | {
      type: 'ToolCallFinished';
      callId: string;
      tool: string;
      /** Input that a person put in place of the model's; absent if the model's was used. */
      input?: unknown;
      output: unknown;
      isError: boolean;
      attempts: number;
      durationMs: number;
      /** Passages that the tool offered for citation: the model sees them instead of the output. */
      cited: SearchHit[];
      /** Internal. Default: the maximum. */
      shown?: ShownResult;
    }
  | { type: 'ApprovalRequested'; approvalId: string }
  | { type: 'ApprovalDecided'; approvalId: string }
  | { type: 'TurnFinished'; turn: AgentTurnRecord }
  /** The server died during this turn. Its output since the last turn is void, and the turn is repeated. */
  | { type: 'TurnRestarted'; number: number }
  | { type: 'RunFinished' }
  | { type: 'RunFailed'; error: StoredError };

/** Internal events, for the server that continues the run. Subscribers never receive them. */
export type InternalRunEvent =
  /** The model's whole turn, stored before any of its tools runs. */
  | {
      type: 'AssistantTurn';
      number: number;
      message: AssistantMessage;
      stopReason: string;
      /** The provider's explanation, where `stopReason` is 'refusal' and it gave one. */
      refusal?: string | null;
      usage: TokenUsage;
      cost: string | null;
    }
  /** A tool is about to run for the `attempt`th time: without a finish, its outcome is unknown. */
  | { type: 'ToolAttempt'; callId: string; attempt: number; childRunId: string | null }
  /** Usage that the provider has billed for a call so far. If the server dies, the call's hold is settled by it. */
  | { type: 'CallUsage'; holdId: string; usage: ModelUsage };

export type RunEventBody = PublicRunEvent | InternalRunEvent;

/**
 * An event in its place. A run's log is a line of units: every UTF-16 code unit of text or thinking is one, every other
 * event is one. The event covers the units from `position - length` to `position`, so merging neighbouring deltas moves
 * nothing, and a cursor is a position.
 */
export type RunEvent = RunEventBody & { runId: string; position: number; length: number; at: Date };
