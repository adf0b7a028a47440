import type { Tool } from '@anthropic-ai/sdk/resources/messages/messages';
import type { ScriptedToolCall } from '../faults/fault.ts';
import { isRecord } from '../is-record.ts';
import { findExpressions } from './arithmetic.ts';
import type { Conversation } from './conversation.ts';
import { propertiesOf, valueFromSchema } from './schema-value.ts';

/** Something the question asks for, and what shows that a tool can give it. */
interface Need {
  /** Tools that serve it, by their name, else by their description. */
  tool: RegExp;
  /** One call for each value; no value leaves the input to the schema. */
  values: readonly (string | undefined)[];
  /** The input property that takes the value. */
  property: RegExp;
}

const MOST_CALLS_OF_A_TOOL = 5;
const SMALL_TALK = /^(?:hi|hello|hey|thanks|thank you|how are you|who are you|what can you do)\b/i;
const ASKS_FOR_SEARCH =
  /\b(?:docs?|documents?|documentation|search|look up|find|knowledge|handbook|manual|polic(?:y|ies)|guide|how do i|how to|how can i|according to|sources?)\b/i;
const QUESTION = /\?\s*$|^(?:who|what|when|where|which|why|how|is|are|does|do|can)\b/i;

/** The tools a question calls for, several at once when it needs several; none when nothing fits. */
export function planToolCalls(conversation: Conversation): ScriptedToolCall[] {
  const { request, question } = conversation;
  const tools = (request.tools ?? []).filter(isCustomTool);
  const choice = request.tool_choice ?? { type: 'auto' };
  if (tools.length === 0 || choice.type === 'none') return [];
  const calls = needsOf(question).flatMap((need) => callsFor(need, tools, question));
  calls.push(...namedCalls(tools, question, calls));
  if (calls.length === 0 || asksToSearch(question))
    calls.push(...searchCalls(tools, question, calls));
  if (choice.type === 'tool')
    return forced(tools.find((tool) => tool.name === choice.name) ?? tools[0], calls, question);
  if (choice.type === 'any' && calls.length === 0) return forced(tools[0], calls, question);
  return choice.disable_parallel_tool_use ? calls.slice(0, 1) : calls;
}

function needsOf(question: string): Need[] {
  const needs: Need[] = [];
  const expressions = findExpressions(question);
  if (expressions.length > 0) {
    needs.push({
      tool: /calculat|arithmetic|\bmath/i,
      values: expressions,
      property: /expression|formula|calculation|input|query/i,
    });
  }
  if (/\b(?:weather|forecast|temperature|rain|raining|sunny|snow|windy)\b/i.test(question)) {
    const cities = citiesOf(question);
    needs.push({
      tool: /weather|forecast/i,
      values: cities.length > 0 ? cities : [undefined],
      property: /city|location|place|name|query/i,
    });
  }
  if (
    /\b(?:what(?:'s|’s| is)? the (?:current )?(?:time|date)|current (?:time|date)|what time|what day|time is it|today'?s date|date today|right now)\b/i.test(
      question,
    )
  ) {
    needs.push({
      tool: /(?:^|_|\b)(?:clock|time|date|now)(?:_|\b|$)/i,
      values: [zoneOf(question)],
      property: /zone|^tz$|location|city/i,
    });
  }
  const url = /https?:\/\/[^\s<>"')\]]+[^\s<>"')\].,;:!?]/.exec(question)?.[0];
  if (url !== undefined)
    needs.push({
      tool: /fetch|http|url|web_?page|browse/i,
      values: [url],
      property: /url|uri|address|link/i,
    });
  return needs;
}

function callsFor(need: Need, tools: readonly Tool[], question: string): ScriptedToolCall[] {
  const tool =
    tools.find(({ name }) => need.tool.test(name)) ??
    tools.find(({ description = '' }) => need.tool.test(description));
  if (tool === undefined) return [];
  return need.values.slice(0, MOST_CALLS_OF_A_TOOL).map((value) => ({
    name: tool.name,
    input: toolInput(tool, { value, property: need.property, question }),
  }));
}

function namedCalls(
  tools: readonly Tool[],
  question: string,
  planned: readonly ScriptedToolCall[],
): ScriptedToolCall[] {
  const lower = question.toLowerCase();
  return tools
    .filter(({ name }) => !planned.some((call) => call.name === name))
    .filter(({ name }) => mentions(lower, name.toLowerCase()))
    .map((tool) => ({
      name: tool.name,
      input: toolInput(tool, { value: undefined, property: /^$/, question }),
    }));
}

function mentions(text: string, name: string): boolean {
  return [name, name.replaceAll(/[_-]+/g, ' ')].some((spelling) => {
    const at = text.indexOf(spelling);
    return (
      at >= 0 && !/\w/.test(text[at - 1] ?? ' ') && !/\w/.test(text[at + spelling.length] ?? ' ')
    );
  });
}

function searchCalls(
  tools: readonly Tool[],
  question: string,
  planned: readonly ScriptedToolCall[],
): ScriptedToolCall[] {
  if (SMALL_TALK.test(question) || !(asksToSearch(question) || QUESTION.test(question))) return [];
  const speaksOfSearch = /search|knowledge|retriev|document|\bdocs?\b|look_?up/i;
  const tool =
    tools.find(({ name }) => speaksOfSearch.test(name)) ??
    tools.find(({ description = '' }) => speaksOfSearch.test(description));
  if (tool === undefined || planned.some((call) => call.name === tool.name)) return [];
  return [
    {
      name: tool.name,
      input: toolInput(tool, {
        value: searchQuery(question),
        property: /query|question|search|text|q$/i,
        question,
      }),
    },
  ];
}

function asksToSearch(question: string): boolean {
  return ASKS_FOR_SEARCH.test(question);
}

/** The question without the order to search and without the rest of a compound order. */
function searchQuery(question: string): string {
  const topic =
    /\b(?:search|look)\b[^.?!]*?\b(?:for|about)\s+(.+)$/is.exec(question)?.[1] ?? question;
  const alone = topic.replace(
    /[,;]?\s+(?:and|then)(?:\s+(?:then|also))?\s+(?:compute|calculate|what(?:'s|’s| is)|tell|work out|multiply|add)\b.*$/is,
    '',
  );
  return alone.trim().replace(/[.!]+$/, '') || question;
}

function toolInput(
  tool: Tool,
  wanted: { value: string | undefined; property: RegExp; question: string },
): Record<string, unknown> {
  const properties = propertiesOf(tool.input_schema);
  const required = tool.input_schema.required ?? [];
  const strings = Object.keys(properties).filter((name) => takesText(properties[name]));
  const target =
    wanted.value === undefined
      ? undefined
      : (strings.find((name) => wanted.property.test(name)) ??
        strings.find((name) => required.includes(name)) ??
        strings[0]);
  const source = { text: wanted.question };
  const everything = valueFromSchema(tool.input_schema, source);
  const generated = isRecord(everything) ? everything : {};
  const filled = required
    .filter((name) => name in generated)
    .map((name) => [name, generated[name]] as const);
  return {
    ...Object.fromEntries(filled),
    ...(target === undefined ? {} : { [target]: wanted.value }),
  };
}

function takesText(schema: unknown): boolean {
  if (!isRecord(schema) || schema['enum'] !== undefined || schema['const'] !== undefined)
    return false;
  const { type, anyOf } = schema as { type?: unknown; anyOf?: unknown };
  if (Array.isArray(anyOf)) return anyOf.some(takesText);
  return type === 'string' || (Array.isArray(type) && type.includes('string'));
}

function citiesOf(question: string): string[] {
  const place = "\\p{Lu}[\\p{L}’'-]+(?:\\s\\p{Lu}[\\p{L}’'-]+)*";
  const list = new RegExp(
    `\\b(?:in|for|at|of)\\s+((?:${place})(?:\\s*(?:,|and|or|,\\s*and)\\s*(?:${place}))*)`,
    'u',
  );
  return (
    list
      .exec(question)?.[1]
      ?.split(/\s*(?:,\s*and|,|\band\b|\bor\b)\s*/)
      .filter((city) => city !== '') ?? []
  );
}

const ZONE_OF_CITY: Readonly<Record<string, string>> = {
  berlin: 'Europe/Berlin',
  london: 'Europe/London',
  'new york': 'America/New_York',
  paris: 'Europe/Paris',
  'san francisco': 'America/Los_Angeles',
  sydney: 'Australia/Sydney',
  tokyo: 'Asia/Tokyo',
};

function zoneOf(question: string): string | undefined {
  const written =
    /\b(?:Africa|America|Asia|Atlantic|Australia|Europe|Pacific)\/[A-Z][A-Za-z_]+|\bUTC\b/.exec(
      question,
    );
  // Only a city after the word: the rest of the question may be about others.
  const afterTime = /\b(?:time|date)\b[\s\S]*/i.exec(question)?.[0].toLowerCase() ?? '';
  const city = Object.entries(ZONE_OF_CITY).find(([name]) => afterTime.includes(name));
  return written?.[0] ?? city?.[1];
}

function forced(
  tool: Tool | undefined,
  calls: readonly ScriptedToolCall[],
  question: string,
): ScriptedToolCall[] {
  if (tool === undefined) return [];
  const fitting = calls.filter((call) => call.name === tool.name);
  if (fitting.length > 0) return fitting;
  return [
    {
      name: tool.name,
      input: toolInput(tool, { value: question, property: /query|question|text|input/i, question }),
    },
  ];
}

function isCustomTool(tool: object): tool is Tool {
  return 'input_schema' in tool;
}
