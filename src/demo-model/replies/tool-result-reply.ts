import { isRecord } from '../is-record.ts';
import { citedReply } from './cited-reply.ts';
import type { Conversation, ToolOutcome } from './conversation.ts';
import { askedQuestion } from './prompt-text.ts';
import type { PlannedBlock } from './reply-plan.ts';
import { rankByOverlap } from './word-overlap.ts';

const LONGEST_RESULT = 600;
const RESULT_FIELD = /^(?:result|value|answer|output|summary|text|message|time|now|date)$/i;

/** The final text after tool calls: each tool's result, with citations of search results. */
export function toolResultReply(conversation: Conversation): PlannedBlock[] {
  const { toolOutcomes, searchResults } = conversation;
  const question = askedQuestion(conversation.question);
  const statements = toolOutcomes
    .filter((outcome) => outcome.text !== '' || outcome.isError)
    .map((outcome) => statementOf(outcome, question));
  const blocks: PlannedBlock[] = [];
  if (statements.length > 0)
    blocks.push({
      type: 'text',
      text: `${statements.join(' ')}${searchResults.length > 0 ? ' ' : ''}`,
    });
  if (searchResults.length > 0) return [...blocks, ...citedReply(question, searchResults)];
  if (blocks.length === 0)
    return [{ type: 'text', text: 'The tools returned nothing. (Demo model)' }];
  return [
    ...blocks,
    { type: 'text', text: '\n\n(Demo model: read from the results of the tools.)' },
  ];
}

function statementOf({ name, input, text, isError }: ToolOutcome, question: string): string {
  if (isError) return `The tool ${name} failed: ${shorten(text)}`;
  const said = readable(text, question);
  const expression = isRecord(input) ? (input['expression'] ?? input['formula']) : undefined;
  if (typeof expression === 'string' && /^-?[\d.,]+(?:e[+-]?\d+)?$/i.test(said))
    return `${expression} = ${said}.`;
  return `${name} says: ${said}${/[.!?]$/.test(said) ? '' : '.'}`;
}

/** A tool's result for a reader: the most useful field of a JSON object, the best passage of a list, or the text. */
function readable(text: string, question: string): string {
  const parsed = parseJson(text);
  if (Array.isArray(parsed)) return shorten(bestOf(parsed, question));
  if (!isRecord(parsed))
    return shorten(parsed === undefined || typeof parsed === 'object' ? text : String(parsed));
  const telling = Object.entries(parsed).find(
    ([key, value]) => RESULT_FIELD.test(key) && isScalar(value),
  );
  if (telling !== undefined && Object.values(parsed).filter(isScalar).length <= 2)
    return shorten(String(telling[1]));
  const list = Object.values(parsed).find((value) => Array.isArray(value) && value.length > 0);
  if (Array.isArray(list) && isRecord(list[0])) return shorten(bestOf(list, question));
  return shorten(flatten(parsed));
}

function bestOf(items: readonly unknown[], question: string): string {
  const texts = items.map((item) => {
    if (!isRecord(item)) return String(item);
    const passage = item['text'] ?? item['content'] ?? item['snippet'] ?? item['passage'];
    return typeof passage === 'string' ? passage : flatten(item);
  });
  const ranked = rankByOverlap(
    question,
    texts.map((text) => ({ passage: text, text })),
  );
  return ranked[0]?.passage ?? texts[0] ?? 'nothing found';
}

function flatten(value: Record<string, unknown>): string {
  return Object.entries(value)
    .filter(([, field]) => field !== null)
    .map(([key, field]) => `${key}: ${isScalar(field) ? String(field) : JSON.stringify(field)}`)
    .join(', ');
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function shorten(text: string): string {
  return text.length > LONGEST_RESULT ? `${text.slice(0, LONGEST_RESULT)}…` : text;
}
