import type {
  AssistantMessage,
  Message,
  ModelCall,
  SearchResultBlock,
  ToolChoice,
  ToolSpecification,
  UserBlock,
  UserMessage,
} from '../../../kernel/model.ts';
import { type Json, listOf, recordOf, textOf } from '../json-fields.ts';
import { outputJsonSchema } from '../output-schema.ts';
import { ToolCallIds } from '../tool-call-ids.ts';
import type { OpenAiDialect } from './openai-dialect.ts';
import { wrapSchema } from './wrapped-output.ts';

export interface OpenAiRequestOptions {
  /** Whose verbatim content may be sent back as it is. */
  provider: string;
  dialect: OpenAiDialect;
}

interface OpenAiRequest {
  body: Json;
  /** The output stands in an object, since its schema is none. */
  isWrapped: boolean;
}

/** What messages need to know of those before them. */
interface Conversation extends OpenAiRequestOptions {
  ids: ToolCallIds;
  searchResults: number;
}

/**
 * The call in the words of chat completions. Search results become text under bracket numbers that count them over the
 * whole conversation, from [1]: this API has no citations of its own. An assistant's message without any content is left
 * out. Throws MODEL_REFUSED for an output schema that cannot be expressed.
 */
export function openAiRequest(call: ModelCall, options: OpenAiRequestOptions): OpenAiRequest {
  const { system, tools = [], outputSchema, effort } = call;
  const { dialect } = options;
  const ids = new ToolCallIds(dialect.toolCallIds);
  const conversation: Conversation = { ...options, ids, searchResults: 0 };
  const messages = call.messages.flatMap((message) => messagesOf(message, conversation));
  const output = outputSchema && wrapSchema(outputJsonSchema(outputSchema));
  const body = {
    model: call.model,
    messages: system ? [{ role: 'system', content: system }, ...messages] : messages,
    [dialect.maxTokensField]: call.maxTokens,
    stream: true,
    stream_options: dialect.streamOptions ? { include_usage: true } : undefined,
    tools: tools.length > 0 ? tools.map(toolOf) : undefined,
    tool_choice: call.toolChoice && toolChoiceOf(call.toolChoice),
    response_format: output && formatOf(output.schema),
    reasoning_effort: effort === 'max' ? 'high' : effort,
  };
  return { body, isWrapped: output?.isWrapped ?? false };
}

const toolChoiceOf = (choice: ToolChoice): string | Json =>
  'tool' in choice ? { type: 'function', function: { name: choice.tool } } : choice.mode;

function toolOf({ name, description, inputSchema }: ToolSpecification): Json {
  return { type: 'function', function: { name, description, parameters: inputSchema } };
}

/** `strict` demands that every property is required; a schema with optional ones goes without it. */
function formatOf(schema: Json): Json {
  return {
    type: 'json_schema',
    json_schema: { name: 'output', schema, strict: everyPropertyRequired(schema) },
  };
}

function everyPropertyRequired(node: unknown): boolean {
  if (Array.isArray(node)) return node.every(everyPropertyRequired);
  if (typeof node !== 'object' || node === null) return true;
  const { properties, required } = node as { properties?: unknown; required?: unknown };
  if (typeof properties === 'object' && properties !== null) {
    const demanded = new Set(Array.isArray(required) ? required : []);
    if (Object.keys(properties).some((name) => !demanded.has(name))) return false;
  }
  return Object.values(node).every(everyPropertyRequired);
}

function messagesOf(message: Message, conversation: Conversation): Json[] {
  if (message.role === 'user') return userMessages(message, conversation);
  const own =
    message.verbatim?.provider === conversation.provider ? message.verbatim.content : null;
  const sent = own ? ownMessage(own as Json, conversation) : foreignMessage(message, conversation);
  return sent['content'] === '' && !sent['tool_calls'] ? [] : [sent];
}

/** What this provider said goes back as it came, as far as its server takes that. */
function ownMessage(verbatim: Json, { dialect, ids }: Conversation): Json {
  const { role, content, tool_calls: calls } = verbatim;
  const sent = listOf(calls)
    .map(recordOf)
    .filter((call) => call !== null)
    .map((call) => {
      const { type, function: called } = call;
      const given = textOf(call['id']);
      if (dialect.toolCallIds === 'any') ids.keep(given);
      const id = dialect.toolCallIds === 'any' ? given : ids.assign(given);
      return dialect.extras ? { ...call, id } : { id, type, function: called };
    });
  const message = dialect.extras ? verbatim : { role, content };
  return { ...message, tool_calls: sent.length > 0 ? sent : undefined };
}

function foreignMessage({ content }: AssistantMessage, { ids }: Conversation): Json {
  const text = content.map((block) => (block.type === 'text' ? block.text : '')).join('');
  const calls = content.flatMap((block) => {
    if (block.type !== 'tool_call') return [];
    const called = { name: block.name, arguments: JSON.stringify(recordOf(block.input) ?? {}) };
    return [{ id: ids.assign(block.id), type: 'function', function: called }];
  });
  return {
    role: 'assistant',
    content: text === '' && calls.length > 0 ? null : text,
    tool_calls: calls.length > 0 ? calls : undefined,
  };
}

/** Tool results are messages of their own and must follow their calls directly. */
function userMessages({ content }: UserMessage, conversation: Conversation): Json[] {
  const results: Json[] = [];
  const texts: string[] = [];
  for (const block of content) {
    if (block.type !== 'tool_result') texts.push(contentOf(block, conversation));
    else {
      const said = block.content.map((part) => contentOf(part, conversation)).join('\n\n');
      const result = block.isError ? `Error: ${said}` : said;
      const tool_call_id = conversation.ids.of(block.toolCallId);
      results.push({ role: 'tool', tool_call_id, content: result });
    }
  }
  return texts.length === 0 ? results : [...results, { role: 'user', content: texts.join('\n\n') }];
}

function contentOf(
  block: Exclude<UserBlock, { type: 'tool_result' }>,
  conversation: Conversation,
): string {
  return block.type === 'text' ? block.text : searchResultText(block, conversation);
}

function searchResultText(block: SearchResultBlock, conversation: Conversation): string {
  conversation.searchResults += 1;
  const { title, source, passages } = block;
  return `[${conversation.searchResults}] ${title} (${source})\n${passages.join('\n')}`;
}
