import type { AgentTurnRecord, RunEvent, ToolCallRecord } from '../../kernel/events.ts';
import type { Message, ToolCallBlock, UserBlock } from '../../kernel/model.ts';
import type { SearchHit } from '../../kernel/run.ts';
import type { PackedSources } from '../../knowledge/knowledge.ts';
import { maxShown } from './result-share.ts';

type EventOf<Type extends RunEvent['type']> = Extract<RunEvent, { type: Type }>;
export type AssistantTurn = EventOf<'AssistantTurn'>;
type CallResult = EventOf<'ToolCallFinished'>;

/** A tool call as the model made it. `key` is what the log calls it: the model's id, unless an earlier call has it. */
export interface AgentCall extends ToolCallBlock {
  key: string;
}

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
  message: string;
  events: readonly RunEvent[];
  pack(hits: readonly SearchHit[], tokens: number): PackedSources;
}

const breaks = new Set(['refusal', 'max_tokens', 'context_window_exceeded']);

export function agentState({ message, events, pack }: Fold): AgentState {
  const turns = turnsOf(events);
  const finished = byCallId(eventsOf(events, 'ToolCallFinished'));
  const messages: Message[] = [{ role: 'user', content: [{ type: 'text', text: message }] }];
  for (const { turn, calls } of turns) {
    messages.push(turn.message);
    const results = calls.flatMap((call) => {
      const result = finished.get(call.key);
      return result ? resultBlock(call, result, pack) : [];
    });
    if (results.length > 0) messages.push({ role: 'user', content: results });
  }
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

function eventsOf<Type extends RunEvent['type']>(
  events: readonly RunEvent[],
  type: Type,
): EventOf<Type>[] {
  return events.filter((event): event is EventOf<Type> => event.type === type);
}

interface CalledTurn {
  turn: AssistantTurn;
  calls: AgentCall[];
}

/** Some providers number the calls of every turn from 0: a result or an approval must never pass to a later call. */
function turnsOf(events: readonly RunEvent[]): CalledTurn[] {
  const seen = new Set<string>();
  return eventsOf(events, 'AssistantTurn').map((turn) => ({
    turn,
    calls: turn.message.content
      .filter((block) => block.type === 'tool_call')
      .map((block, index) => {
        const key = seen.has(block.id) ? `${block.id}.${turn.number}.${index}` : block.id;
        seen.add(block.id);
        return { ...block, key };
      }),
  }));
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

const byCallId = <Event extends { callId: string }>(events: Event[]): Map<string, Event> =>
  new Map(events.map((event) => [event.callId, event]));

function toldApprovals(events: readonly RunEvent[]): Set<string> {
  const told = [...eventsOf(events, 'ApprovalRequested'), ...eventsOf(events, 'ApprovalDecided')];
  return new Set(told.map(({ type, approvalId }) => `${type}:${approvalId}`));
}

function resultBlock(
  { id: toolCallId }: AgentCall,
  { output, isError, input, cited, shown: { characters, sourceTokens } = maxShown }: CallResult,
  pack: Fold['pack'],
): UserBlock {
  const blocks = cited.length > 0 ? pack(cited, sourceTokens).blocks : [];
  if (blocks.length > 0) return { type: 'tool_result', toolCallId, content: blocks, isError };
  const text = `${noteOf(input)}${cut(resultText(output), characters)}`;
  return { type: 'tool_result', toolCallId, content: [{ type: 'text', text }], isError };
}

/** The model remembers the input that it proposed: else it would report what was never done. */
const noteOf = (edited: unknown): string =>
  edited === undefined ? '' : `A person changed the input to ${JSON.stringify(edited)}. Result:\n`;

/** A result as the model reads it, uncut. */
export const resultText = (output: unknown): string =>
  typeof output === 'string' ? output : (JSON.stringify(output) ?? 'null');

function cut(text: string, characters: number): string {
  if (text.length <= characters) return text;
  const rest = text.length - characters;
  // Well-formed: half a surrogate pair at the cut would make the provider refuse the whole conversation.
  return `${text.slice(0, characters).toWellFormed()}\n[${rest} more characters are not shown. Ask for less.]`;
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
