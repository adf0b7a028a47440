import type { RunEvent } from '../../kernel/events.ts';
import type { AssistantMessage, Message } from '../../kernel/model.ts';
import { chosenMessages } from '../calls/chosen-messages.ts';
import type { PromptChoice } from '../runs.ts';
import { byCallId, eventsOf, type PackSources, turnMessages, turnsOf } from './called-turns.ts';

/** What of a run's row its exchange is read off. */
export interface ExchangeRow {
  id: string;
  /** Empty once the run's content is forgotten. */
  input: { prompt?: PromptChoice; message?: string };
  text: string;
}

/** Events that an exchange is read off. */
export const exchangeEvents = [
  'RunAsked',
  'AssistantTurn',
  'ToolCallFinished',
  'TurnBrokenOff',
  'HistoryShortened',
];

/** What a run adds to its conversation before its own answer, as it was sent. */
export function askedIn({ input }: ExchangeRow, events: readonly RunEvent[]): Message[] {
  const [asked] = eventsOf(events, 'RunAsked');
  if (asked) return asked.messages;
  if (input.message !== undefined) return [userMessage(input.message)];
  const { prompt } = input;
  return prompt && !('named' in prompt) ? chosenMessages(prompt) : [];
}

/**
 * What a run answered: its turns word for word, with their tools' results, and what a turn that was broken off had said. A
 * refusal is left out: a model that is shown one goes on refusing.
 */
export function answeredIn(
  { text }: ExchangeRow,
  events: readonly RunEvent[],
  pack: PackSources,
): Message[] {
  const turns = turnsOf(events).filter(({ turn }) => turn.stopReason !== 'refusal');
  const finished = byCallId(eventsOf(events, 'ToolCallFinished'));
  const broken = eventsOf(events, 'TurnBrokenOff').map((event) => event.text);
  const said = turns.length === 0 && broken.length === 0 ? [text] : broken;
  return [
    ...turnMessages(turns, finished, pack).filter(({ content }) => content.length > 0),
    ...said.filter((each) => each !== '').map(assistantMessage),
  ];
}

export const userMessage = (text: string): Message => ({
  role: 'user',
  content: [{ type: 'text', text }],
});

const assistantMessage = (text: string): AssistantMessage => ({
  role: 'assistant',
  content: [{ type: 'text', text }],
});
