import type { RunEvent } from '../../kernel/events.ts';
import type { Message, ToolCallBlock, UserBlock } from '../../kernel/model.ts';
import type { SearchHit } from '../../kernel/run.ts';
import type { PackedSources } from '../../knowledge/knowledge.ts';
import { maxShown } from './result-share.ts';

export type EventOf<Type extends RunEvent['type']> = Extract<RunEvent, { type: Type }>;
export type AssistantTurn = EventOf<'AssistantTurn'>;
export type CallResult = EventOf<'ToolCallFinished'>;
export type PackSources = (hits: readonly SearchHit[], tokens: number) => PackedSources;

/** A tool call as the model made it. `key` is what the log calls it: the model's id, unless an earlier call has it. */
export interface AgentCall extends ToolCallBlock {
  key: string;
}

/** A turn of a model with the tool calls that it made. */
export interface CalledTurn {
  turn: AssistantTurn;
  calls: AgentCall[];
}

export const eventsOf = <Type extends RunEvent['type']>(
  events: readonly RunEvent[],
  type: Type,
): EventOf<Type>[] => events.filter((event): event is EventOf<Type> => event.type === type);

export const byCallId = <Event extends { callId: string }>(events: Event[]): Map<string, Event> =>
  new Map(events.map((event) => [event.callId, event]));

/** Some providers number the calls of every turn from 0: a result or an approval must never pass to a later call. */
export function turnsOf(events: readonly RunEvent[]): CalledTurn[] {
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

/** Turns and the results of their calls as a model is sent them; a call without a result yet has none. */
export function turnMessages(
  turns: readonly CalledTurn[],
  finished: ReadonlyMap<string, CallResult>,
  pack: PackSources,
): Message[] {
  return turns.flatMap(({ turn, calls }): Message[] => {
    const results = calls.flatMap((call) => {
      const result = finished.get(call.key);
      return result ? resultBlock(call, result, pack) : [];
    });
    return results.length > 0 ? [turn.message, { role: 'user', content: results }] : [turn.message];
  });
}

function resultBlock(
  { id: toolCallId }: AgentCall,
  { output, isError, input, cited, shown: { characters, sourceTokens } = maxShown }: CallResult,
  pack: PackSources,
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
