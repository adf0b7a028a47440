import type {
  ContentBlockParam,
  MessageCreateParamsBase,
  MessageParam,
  SearchResultBlockParam,
  ToolResultBlockParam,
} from '@anthropic-ai/sdk/resources/messages/messages';
import { parseSteering, type Steering } from '../faults/steering.ts';

/** The result of one tool call of the present turn. */
export interface ToolOutcome {
  name: string;
  input: unknown;
  text: string;
  isError: boolean;
}

/** A `search_result` block with its place among all of the request's, as citations count it. */
export interface IndexedSearchResult {
  index: number;
  block: SearchResultBlockParam;
}

/** A request as the stand-in answers it: the last question, and the tool results since. */
export interface Conversation {
  request: MessageCreateParamsBase;
  system: string;
  /** The text of the last message a person wrote, without instructions to the stand-in. */
  question: string;
  steering: Steering;
  /** Earlier messages of the user, oldest first. */
  earlierQuestions: string[];
  /** User texts with the assistant's answers to them, oldest first: few-shot examples or history. */
  exchanges: { user: string; assistant: string }[];
  /** Tool turns already taken since the question. */
  toolTurnsTaken: number;
  /** Results of those turns, in order. */
  toolOutcomes: ToolOutcome[];
  /** Results with citations enabled: those since the question, else all of the conversation. */
  searchResults: IndexedSearchResult[];
}

/** Reads a validated request. Throws an `Error` when an instruction to the stand-in can't be read. */
export function readConversation(request: MessageCreateParamsBase): Conversation {
  const { messages } = request;
  const asked = messages.findLastIndex(
    (message) => message.role === 'user' && textOf(message) !== '',
  );
  const { steering, text } = parseSteering(asked < 0 ? '' : textOf(messages[asked]));
  const since = messages.slice(Math.max(asked, 0));
  const userTexts = messages
    .slice(0, Math.max(asked, 0))
    .filter((message) => message.role === 'user');
  return {
    request,
    system: systemText(request),
    question: text,
    steering,
    earlierQuestions: userTexts
      .map((message) => parseSteering(textOf(message)).text)
      .filter((said) => said !== ''),
    exchanges: exchangesOf(messages.slice(0, Math.max(asked, 0))),
    toolTurnsTaken: since.filter((message) =>
      blocksOf(message).some((block) => block.type === 'tool_use'),
    ).length,
    toolOutcomes: toolOutcomesOf(since),
    searchResults: citableResults(messages, Math.max(asked, 0)),
  };
}

/** The content blocks of a message, a plain string being one text block. */
export function blocksOf(message: MessageParam): readonly ContentBlockParam[] {
  return typeof message.content === 'string'
    ? [{ type: 'text', text: message.content }]
    : message.content;
}

function textOf(message: MessageParam | undefined): string {
  if (message === undefined) return '';
  return blocksOf(message)
    .flatMap((block) => (block.type === 'text' ? [block.text] : []))
    .join('\n')
    .trim();
}

function systemText(request: MessageCreateParamsBase): string {
  const { system = '' } = request;
  const own = typeof system === 'string' ? system : system.map((block) => block.text).join('\n');
  const inMessages = request.messages.filter((message) => message.role === 'system').map(textOf);
  return [own, ...inMessages].filter((part) => part !== '').join('\n');
}

function exchangesOf(messages: readonly MessageParam[]): { user: string; assistant: string }[] {
  return messages.flatMap((message, index) => {
    const answer = messages[index + 1];
    if (message.role !== 'user' || answer?.role !== 'assistant') return [];
    const exchange = { user: textOf(message), assistant: textOf(answer) };
    return exchange.user === '' || exchange.assistant === '' ? [] : [exchange];
  });
}

function toolOutcomesOf(messages: readonly MessageParam[]): ToolOutcome[] {
  const calls = new Map<string, { name: string; input: unknown }>();
  const outcomes: ToolOutcome[] = [];
  for (const block of messages.flatMap(blocksOf)) {
    if (block.type === 'tool_use') calls.set(block.id, block);
    if (block.type !== 'tool_result') continue;
    const { name, input } = calls.get(block.tool_use_id) ?? { name: 'tool', input: {} };
    outcomes.push({ name, input, text: toolResultText(block), isError: block.is_error ?? false });
  }
  return outcomes;
}

function toolResultText(block: ToolResultBlockParam): string {
  if (typeof block.content === 'string') return block.content;
  return (block.content ?? [])
    .flatMap((part) => (part.type === 'text' ? [part.text] : []))
    .join('\n');
}

function citableResults(messages: readonly MessageParam[], asked: number): IndexedSearchResult[] {
  let index = 0;
  const found: (IndexedSearchResult & { message: number })[] = [];
  messages.forEach((message, position) => {
    for (const block of searchResultsOf(message)) {
      if (block.citations?.enabled === true) found.push({ index, block, message: position });
      index += 1;
    }
  });
  const recent = found.filter(({ message }) => message >= asked);
  return recent.length > 0 ? recent : found;
}

function searchResultsOf(message: MessageParam): SearchResultBlockParam[] {
  return blocksOf(message).flatMap((block) => {
    if (block.type === 'search_result') return [block];
    if (block.type !== 'tool_result' || !Array.isArray(block.content)) return [];
    return block.content.filter((part) => part.type === 'search_result');
  });
}
