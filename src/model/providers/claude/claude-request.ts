import type {
  ContentBlockParam,
  MessageCreateParamsStreaming,
  MessageParam,
  SearchResultBlockParam,
  TextBlockParam,
  Tool,
} from '@anthropic-ai/sdk/resources/messages/messages';
import type { AssistantMessage, Message, ModelCall, UserBlock } from '../../../kernel/model.ts';
import { outputJsonSchema } from '../output-schema.ts';
import { planCaching } from './prompt-caching.ts';

const ephemeral = { cache_control: { type: 'ephemeral' } } as const;

export interface ClaudeRequestOptions {
  /** Whose verbatim content may be sent back as it is. */
  provider: string;
  promptCaching: boolean;
}

/** The call in the Messages API's words. Throws MODEL_REFUSED for an output schema that can't be said. */
export function claudeRequest(
  call: ModelCall,
  { provider, promptCaching }: ClaudeRequestOptions,
): MessageCreateParamsStreaming {
  const { system, tools = [], outputSchema, effort } = call;
  const cache = promptCaching ? planCaching(call) : { afterSystem: false, afterMessages: false };
  // The API refuses citations together with an output format.
  const citable = outputSchema === undefined;
  const format = outputSchema
    ? { format: { type: 'json_schema' as const, schema: outputJsonSchema(outputSchema) } }
    : {};
  return {
    model: call.model,
    max_tokens: call.maxTokens,
    stream: true,
    messages: call.messages.map((message) => messageOf(message, { provider, citable })),
    ...(system ? { system: systemOf(system, cache.afterSystem) } : {}),
    ...(tools.length > 0 ? { tools: toolsOf(call, cache.afterSystem && !system) } : {}),
    ...(outputSchema || effort
      ? { output_config: { ...format, ...(effort ? { effort } : {}) } }
      : {}),
    ...(call.thinking ? { thinking: { type: 'adaptive', display: 'summarized' } } : {}),
    ...(cache.afterMessages ? ephemeral : {}),
  };
}

function systemOf(text: string, cached: boolean): string | TextBlockParam[] {
  return cached ? [{ type: 'text', text, ...ephemeral }] : text;
}

function toolsOf({ tools = [] }: ModelCall, lastCached: boolean): Tool[] {
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
}

function messageOf(message: Message, { provider, citable }: Manner): MessageParam {
  if (message.role === 'assistant') return assistantMessage(message, provider);
  return { role: 'user', content: message.content.flatMap((block) => userBlock(block, citable)) };
}

function assistantMessage({ content, verbatim }: AssistantMessage, provider: string): MessageParam {
  if (verbatim?.provider === provider) {
    return { role: 'assistant', content: verbatim.content as ContentBlockParam[] };
  }
  const blocks = content.flatMap((block): ContentBlockParam[] => {
    if (block.type === 'text') return textBlocks(block.text);
    return [{ type: 'tool_use', id: block.id, name: block.name, input: block.input }];
  });
  return { role: 'assistant', content: blocks };
}

function userBlock(block: UserBlock, citable: boolean): ContentBlockParam[] {
  if (block.type === 'text') return textBlocks(block.text);
  if (block.type === 'search_result') return [searchResult(block, citable)];
  const content = block.content.flatMap((part): (TextBlockParam | SearchResultBlockParam)[] =>
    part.type === 'text' ? textBlocks(part.text) : [searchResult(part, citable)],
  );
  return [{ type: 'tool_result', tool_use_id: block.toolCallId, content, is_error: block.isError }];
}

/** The API answers 400 to an empty text block. */
function textBlocks(text: string): TextBlockParam[] {
  return text === '' ? [] : [{ type: 'text', text }];
}

function searchResult(
  { source, title, passages }: Extract<UserBlock, { type: 'search_result' }>,
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
