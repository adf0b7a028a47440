import type {
  ToolChoice as ClaudeToolChoice,
  ContentBlockParam,
  MessageCreateParamsStreaming,
  MessageParam,
  SearchResultBlockParam,
  TextBlockParam,
  Tool,
} from '@anthropic-ai/sdk/resources/messages/messages';
import type {
  AssistantMessage,
  Message,
  ModelCall,
  SearchResultBlock,
  ToolChoice,
  ToolSpecification,
  UserBlock,
} from '../../../kernel/model.ts';
import { type Json, recordOf, textOf } from '../json-fields.ts';
import { outputJsonSchema } from '../output-schema.ts';
import { ToolCallIds } from '../tool-call-ids.ts';
import { planCaching } from './prompt-caching.ts';

const ephemeral = { cache_control: { type: 'ephemeral' } } as const;

export interface ClaudeRequestOptions {
  /** Whose verbatim content may be sent back as it is. */
  provider: string;
  promptCaching: boolean;
}

/**
 * The call in the Messages API's words. What the API refuses is left out: blank texts, and messages without any content.
 * Throws MODEL_REFUSED for an output schema that it cannot express.
 */
export function claudeRequest(
  call: ModelCall,
  { provider, promptCaching }: ClaudeRequestOptions,
): MessageCreateParamsStreaming {
  const { tools = [], outputSchema, effort } = call;
  const system = call.system?.trim() ? call.system : undefined;
  const cache = promptCaching ? planCaching(call) : { afterSystem: false, afterMessages: false };
  // The API refuses citations together with an output format.
  const manner = { provider, citable: outputSchema === undefined, ids: new ToolCallIds() };
  const schema = outputSchema && outputJsonSchema(outputSchema);
  const format = schema && { type: 'json_schema' as const, schema };
  return {
    model: call.model,
    max_tokens: call.maxTokens,
    stream: true,
    messages: call.messages
      .map((message) => messageOf(message, manner))
      .filter(({ content }) => content.length > 0),
    system: system && systemOf(system, cache.afterSystem),
    tools: tools.length > 0 ? toolsOf(tools, cache.afterSystem && !system) : undefined,
    tool_choice: call.toolChoice && toolChoiceOf(call.toolChoice),
    output_config: format || effort ? { format, effort } : undefined,
    thinking: call.thinking ? { type: 'adaptive', display: 'summarized' } : undefined,
    cache_control: cache.afterMessages ? ephemeral.cache_control : undefined,
  };
}

const toolChoices = { auto: 'auto', none: 'none', required: 'any' } as const;

const toolChoiceOf = (choice: ToolChoice): ClaudeToolChoice =>
  'tool' in choice ? { type: 'tool', name: choice.tool } : { type: toolChoices[choice.mode] };

function systemOf(text: string, cached: boolean): string | TextBlockParam[] {
  return cached ? [{ type: 'text', text, ...ephemeral }] : text;
}

function toolsOf(tools: readonly ToolSpecification[], lastCached: boolean): Tool[] {
  return tools.map(({ name, description, inputSchema }, index) => ({
    name,
    description,
    input_schema: inputSchema as Tool.InputSchema,
    ...(lastCached && index === tools.length - 1 ? ephemeral : {}),
  }));
}

interface Manner {
  provider: string;
  citable: boolean;
  ids: ToolCallIds;
}

function messageOf(message: Message, manner: Manner): MessageParam {
  if (message.role === 'assistant') return assistantMessage(message, manner);
  return { role: 'user', content: message.content.flatMap((block) => userBlock(block, manner)) };
}

function assistantMessage(
  { content, verbatim }: AssistantMessage,
  { provider, ids }: Manner,
): MessageParam {
  if (verbatim?.provider === provider) {
    const own = (verbatim.content as Json[]).filter((block) => !isBlank(block));
    for (const { type, id } of own) if (type === 'tool_use') ids.keep(textOf(id));
    return { role: 'assistant', content: own as unknown as ContentBlockParam[] };
  }
  const blocks = content.flatMap((block): ContentBlockParam[] => {
    if (block.type === 'text') return textBlocks(block.text);
    const { name } = block;
    return [
      { type: 'tool_use', id: ids.assign(block.id), name, input: recordOf(block.input) ?? {} },
    ];
  });
  return { role: 'assistant', content: blocks };
}

function userBlock(block: UserBlock, { citable, ids }: Manner): ContentBlockParam[] {
  if (block.type === 'text') return textBlocks(block.text);
  if (block.type === 'search_result') return [searchResult(block, citable)];
  const content = block.content.flatMap((part): (TextBlockParam | SearchResultBlockParam)[] =>
    part.type === 'text' ? textBlocks(part.text) : [searchResult(part, citable)],
  );
  const tool_use_id = ids.of(block.toolCallId);
  return [{ type: 'tool_result', tool_use_id, content, is_error: block.isError }];
}

const isBlank = ({ type, text }: Json): boolean => type === 'text' && textOf(text).trim() === '';

/** The API answers 400 to a blank text block. */
function textBlocks(text: string): TextBlockParam[] {
  return text.trim() === '' ? [] : [{ type: 'text', text }];
}

function searchResult(
  { source, title, passages }: SearchResultBlock,
  citable: boolean,
): SearchResultBlockParam {
  return {
    type: 'search_result',
    source,
    title,
    content: passages.flatMap(textBlocks),
    citations: { enabled: citable },
  };
}
