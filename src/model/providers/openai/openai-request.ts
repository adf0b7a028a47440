import type {
  AssistantMessage,
  Message,
  ModelCall,
  SearchResultBlock,
  UserBlock,
  UserMessage,
} from '../../../kernel/model.ts';
import { outputJsonSchema } from '../output-schema.ts';

type Json = Record<string, unknown>;

export interface OpenAiRequestOptions {
  /** "max_completion_tokens" as OpenAI wants it now, or "max_tokens" as most compatible servers do. */
  maxTokensField: 'max_completion_tokens' | 'max_tokens';
}

/**
 * The call in the words of chat completions. Search results become text under bracket numbers that count them over the
 * whole conversation, from [1]: this API has no citations of its own.
 */
export function openAiRequest(call: ModelCall, { maxTokensField }: OpenAiRequestOptions): Json {
  const { system, tools = [], outputSchema, effort } = call;
  const numbers = { used: 0 };
  const messages = call.messages.flatMap((message) => messageOf(message, numbers));
  return {
    model: call.model,
    messages: [...(system ? [{ role: 'system', content: system }] : []), ...messages],
    [maxTokensField]: call.maxTokens,
    stream: true,
    stream_options: { include_usage: true },
    ...(tools.length > 0 ? { tools: tools.map(toolOf) } : {}),
    ...(outputSchema ? { response_format: formatOf(outputJsonSchema(outputSchema)) } : {}),
    ...(effort ? { reasoning_effort: effort === 'max' ? 'high' : effort } : {}),
  };
}

function toolOf({ name, description, inputSchema }: NonNullable<ModelCall['tools']>[number]): Json {
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

function messageOf(message: Message, numbers: { used: number }): Json[] {
  return message.role === 'assistant' ? [assistantOf(message)] : userMessages(message, numbers);
}

function assistantOf({ content }: AssistantMessage): Json {
  const text = content.map((block) => (block.type === 'text' ? block.text : '')).join('');
  const calls = content.flatMap((block) =>
    block.type === 'tool_call'
      ? [
          {
            id: block.id,
            type: 'function',
            function: { name: block.name, arguments: JSON.stringify(block.input) },
          },
        ]
      : [],
  );
  return {
    role: 'assistant',
    content: text === '' && calls.length > 0 ? null : text,
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
  };
}

/** Tool results are messages of their own and must follow their calls directly. */
function userMessages({ content }: UserMessage, numbers: { used: number }): Json[] {
  const results: Json[] = [];
  const texts: string[] = [];
  for (const block of content) {
    if (block.type !== 'tool_result') texts.push(textOf(block, numbers));
    else {
      const said = block.content.map((part) => textOf(part, numbers)).join('\n\n');
      const result = block.isError ? `Error: ${said}` : said;
      results.push({ role: 'tool', tool_call_id: block.toolCallId, content: result });
    }
  }
  return texts.length === 0 ? results : [...results, { role: 'user', content: texts.join('\n\n') }];
}

function textOf(
  block: Exclude<UserBlock, { type: 'tool_result' }>,
  numbers: { used: number },
): string {
  return block.type === 'text' ? block.text : searchResultText(block, numbers);
}

function searchResultText(block: SearchResultBlock, numbers: { used: number }): string {
  numbers.used += 1;
  return `[${numbers.used}] ${block.title} (${block.source})\n${block.passages.join('\n')}`;
}
