import type { AgentTurnRecord, RunEvent, ToolCallRecord } from '../../kernel/events.ts';
import type { Message } from '../../kernel/model.ts';
import {
  type AgentCall,
  type AssistantTurn,
  byCallId,
  type CalledTurn,
  type CallResult,
  eventsOf,
  type PackSources,
  turnMessages,
  turnsOf,
} from '../conversation/called-turns.ts';

/** A tool call of the last turn that has no result yet, and how far it came. */
export interface PendingCall {
  call: AgentCall;
  /** Attempts begun; with none finished, the outcome of the last one is unknown. */
  attempts: number;
  childRunId: string | null;
  started: boolean;
}

/** Where an agent run stands: everything there is to know is in its log. */
export interface AgentState {
  /** The conversation so far, word for word as it was sent and received. */
  messages: Message[];
  turns: number;
  /** A turn that was refused or cut short: it is no answer, and none of its tools may run. */
  broken: AssistantTurn | null;
  pending: PendingCall[];
  /** The last turn as far as it has come, while its `TurnFinished` is still to be told. */
  unreported: AgentTurnRecord | null;
  lastTurn: AssistantTurn | null;
  /** What the last turn says; a turn that was paused and gone on with is one text. */
  text: string;
  /** The turn that answers: it calls no tool and is not a pause. */
  answer: AssistantTurn | null;
  toldApprovals: ReadonlySet<string>;
}

interface Fold {
  /** What the model is sent before its first turn: the conversation until then, and the message. */
  asked: readonly Message[];
  events: readonly RunEvent[];
  pack: PackSources;
}

const breaks = new Set(['refusal', 'max_tokens', 'context_window_exceeded']);

export function agentState({ asked, events, pack }: Fold): AgentState {
  const turns = turnsOf(events);
  const finished = byCallId(eventsOf(events, 'ToolCallFinished'));
  const messages = [...asked, ...turnMessages(turns, finished, pack)];
  const last = turns.at(-1);
  const lastTurn = last?.turn ?? null;
  const over = last?.calls.length === 0 && last.turn.stopReason !== 'pause_turn';
  const reported = eventsOf(events, 'TurnFinished').length;
  const pending = last ? pendingCalls(last.calls, events, finished) : [];
  return {
    messages,
    turns: turns.length,
    broken: lastTurn && breaks.has(lastTurn.stopReason) ? lastTurn : null,
    pending,
    lastTurn,
    text: lastText(turns),
    answer: over ? lastTurn : null,
    unreported:
      last && reported < turns.length ? turnRecord(last, finished, { of: pending }) : null,
    toldApprovals: toldApprovals(events),
  };
}

/** Events that the record of an agent's turns is read off. */
export const turnEvents = ['AssistantTurn', 'ToolAttempt', 'ToolCallFinished', 'TurnFinished'];

/**
 * The turns of a run as far as they have come: the last one may wait for its tools. A call that waits is no error, and
 * has no output.
 */
export function turnsSoFar(events: readonly RunEvent[]): AgentTurnRecord[] {
  const reported = eventsOf(events, 'TurnFinished').map(({ turn }) => turn);
  const last = turnsOf(events).at(-1);
  if (!last || last.turn.number <= reported.length) return reported;
  const finished = byCallId(eventsOf(events, 'ToolCallFinished'));
  const pending = pendingCalls(last.calls, events, finished);
  const waiting = new Set(pending.map(({ call }) => call.key));
  const turn = turnRecord(last, finished, { of: pending });
  const toolCalls = turn.toolCalls.map((call) =>
    waiting.has(call.id) ? { ...call, isError: false } : call,
  );
  return [...reported, { ...turn, toolCalls }];
}

export function textOf({ message }: Pick<AssistantTurn, 'message'>): string {
  return message.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
}

function lastText(turns: readonly CalledTurn[]): string {
  const before = turns.findLastIndex(
    ({ turn }, index) => index < turns.length - 1 && turn.stopReason !== 'pause_turn',
  );
  return turns
    .slice(before + 1)
    .map(({ turn }) => textOf(turn))
    .join('');
}

function pendingCalls(
  calls: readonly AgentCall[],
  events: readonly RunEvent[],
  finished: ReadonlyMap<string, CallResult>,
): PendingCall[] {
  const started = byCallId(eventsOf(events, 'ToolCallStarted'));
  const attempts = Map.groupBy(eventsOf(events, 'ToolAttempt'), ({ callId }) => callId);
  return calls
    .filter(({ key }) => !finished.has(key))
    .map((call) => {
      const begun = attempts.get(call.key) ?? [];
      const childRunId = begun.at(-1)?.childRunId ?? null;
      return { call, attempts: begun.length, childRunId, started: started.has(call.key) };
    });
}

function toldApprovals(events: readonly RunEvent[]): Set<string> {
  const told = [...eventsOf(events, 'ApprovalRequested'), ...eventsOf(events, 'ApprovalDecided')];
  return new Set(told.map(({ type, approvalId }) => `${type}:${approvalId}`));
}

/** A call without a result (the run ended before it) shows as an error without output. */
function turnRecord(
  { turn, calls }: CalledTurn,
  finished: ReadonlyMap<string, CallResult>,
  pending: { of: readonly PendingCall[] },
): AgentTurnRecord {
  const toolCalls = calls.map(({ key: id, name: tool, input }): ToolCallRecord => {
    const result = finished.get(id);
    const begun = pending.of.find(({ call }) => call.key === id)?.attempts ?? 0;
    const { output, isError, attempts, durationMs } = result ?? { ...noResult, attempts: begun };
    return { id, tool, input: result?.input ?? input, output, isError, attempts, durationMs };
  });
  const { number, usage, cost } = turn;
  return { number, text: textOf(turn), toolCalls, usage, cost };
}

const noResult = { output: null, isError: true, durationMs: null };
