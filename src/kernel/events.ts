import type { StoredError } from './errors.ts';
import type { AssistantMessage, Message, ModelUsage } from './model.ts';
import type { Citation, SearchHit, TokenUsage } from './run.ts';

/** A tool call as a turn's record tells it. */
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

/** What is told to subscribers, by the names of the public schema. */
export type PublicRunEvent =
  | { type: 'RunStarted'; model: string; promptVersionId: string | null }
  /** What an answer's sources are searched for, where the question alone does not say it. */
  | { type: 'QuestionRewritten'; question: string }
  /** The exchanges of these runs are not sent: the conversation does not fit the model's window. `summary` goes instead. */
  | { type: 'HistoryShortened'; runIds: string[]; summary: string | null }
  | { type: 'SourcesFound'; sources: SearchHit[] }
  /** Of so many documents of an ingest these are stored. */
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
      /** What a person put in place of the model's input; left out where the model's was used. */
      input?: unknown;
      output: unknown;
      isError: boolean;
      attempts: number;
      durationMs: number;
      /** Passages that the tool offered for citation: the model sees them instead of the output. */
      cited: SearchHit[];
      /** Not told to subscribers; without it, as much as is ever shown. */
      shown?: ShownResult;
    }
  | { type: 'ApprovalRequested'; approvalId: string }
  | { type: 'ApprovalDecided'; approvalId: string }
  | { type: 'TurnFinished'; turn: AgentTurnRecord }
  /** The server died in the middle of this turn: what it had said since the last turn is void, it is taken anew. */
  | { type: 'TurnRestarted'; number: number }
  | { type: 'RunFinished' }
  | { type: 'RunFailed'; error: StoredError };

/** What the log keeps besides, for whoever continues the run: never told to subscribers. */
export type InternalRunEvent =
  /** What the run adds to its conversation, as it is sent, where its input does not say it word for word. */
  | { type: 'RunAsked'; messages: Message[] }
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
  /** What a turn had said when it was broken off. */
  | { type: 'TurnBrokenOff'; text: string }
  /** A tool is about to run for the `attempt`th time: without a finish, its outcome is unknown. */
  | { type: 'ToolAttempt'; callId: string; attempt: number; childRunId: string | null }
  /** What the provider says a call is billed so far: should the server die, the call's hold is settled by it. */
  | { type: 'CallUsage'; holdId: string; usage: ModelUsage };

/** Every internal type, and no other. */
const internalTypes: Readonly<Record<InternalRunEvent['type'], true>> = {
  RunAsked: true,
  AssistantTurn: true,
  TurnBrokenOff: true,
  ToolAttempt: true,
  CallUsage: true,
};

/** Events that subscribers receive. */
export const isPublic = <Event extends { type: RunEventBody['type'] }>(
  event: Event,
): event is Exclude<Event, { type: InternalRunEvent['type'] }> =>
  !Object.hasOwn(internalTypes, event.type);

export type RunEventBody = PublicRunEvent | InternalRunEvent;

/**
 * An event in its place. A run's log is a line of units: every UTF-16 code unit of text or thinking is one, every other
 * event is one. The event covers the units from `position - length` to `position`, so merging neighbouring deltas moves
 * nothing, and a cursor is a position.
 */
export type RunEvent = RunEventBody & { runId: string; position: number; length: number; at: Date };
