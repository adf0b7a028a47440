export type RunKind = 'COMPLETION' | 'ANSWER' | 'AGENT' | 'EMBEDDING';
export type RunStatus =
  | 'QUEUED'
  | 'RUNNING'
  | 'WAITING_FOR_APPROVAL'
  | 'SUCCEEDED'
  | 'FAILED'
  | 'CANCELLED';
export type CacheMode = 'DEFAULT' | 'BYPASS' | 'REFRESH';
export type DisconnectPolicy = 'CANCEL' | 'CONTINUE';
/** What is done with a run that is to go on from one that is not over: refuse it, let it wait, or stop the other. */
export type BusyPolicy = 'REJECT' | 'QUEUE' | 'CANCEL';
/** What is done with a conversation that does not fit the model's window. */
export type HistoryPolicy = 'DROP_OLDEST' | 'SUMMARIZE' | 'FAIL';
/** Which fields of a typed output are asked of the model: those that an operation selects, or all. */
export type OutputFields = 'SELECTED' | 'WHOLE';

/** Tokens of a run or a usage record as the API tells them. */
export interface TokenUsage {
  /** Everything sent, cache reads and writes included. */
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  estimated: boolean;
}

/** A passage found in a collection. Offsets count UTF-16 code units of the document's text. */
export interface SearchHit {
  chunkId: string;
  documentId: string;
  source: string;
  title: string | null;
  content: string;
  /** Within [0, 1], comparable within one answer. */
  score: number;
  metadata: Record<string, unknown>;
  headingPath: string[];
  startOffset: number;
  endOffset: number;
}

/** A claim of the answer, borne by words that stand in a source. */
export interface Citation {
  sourceIndex: number;
  citedText: string;
  /** Where in the answer's text the claim ends. */
  textEnd: number;
}

export interface ApprovalRecord {
  id: string;
  runId: string;
  /** The user whose run asks. */
  ownerId: string;
  callId: string;
  tool: string;
  input: unknown;
  editedInput: unknown;
  status: 'PENDING' | 'APPROVED' | 'REJECTED' | 'EXPIRED';
  requestedAt: Date;
  expiresAt: Date | null;
  decidedAt: Date | null;
  decidedBy: string | null;
  reason: string | null;
}
