import type {
  CacheControlEphemeral,
  ContentBlockParam,
  MessageCountTokensParams,
  MessageCreateParamsBase,
} from '@anthropic-ai/sdk/resources/messages/messages';

/** Anything whose prompt can be counted: a message request or a `count_tokens` request. */
export type CountableRequest = Pick<
  MessageCreateParamsBase,
  'messages' | 'system' | 'tools' | 'output_config' | 'cache_control' | 'model'
> &
  Pick<MessageCountTokensParams, 'messages'>;

/** One cacheable step of the prompt, in the API's order: tools, system, messages. */
export interface PromptSegment {
  tokens: number;
  /** Content of the segment without its `cache_control`. Equal text means an equal prefix. */
  identity: () => string;
  cacheControl: CacheControlEphemeral | null;
}

const REQUEST_OVERHEAD = 4;
const MESSAGE_OVERHEAD = 4;
const BLOCK_OVERHEAD = 8;
/** Offering tools adds a system prompt of the provider's own; about this size on the real API. */
const TOOLS_OVERHEAD = 290;
const FORMAT_OVERHEAD = 30;
const IMAGE_TOKENS = 1_500;

/**
 * The stand-in's tokenizer: one token for every four bytes of UTF-8, rounded up for each block. It is an
 * estimate, but a stable one: the same text always counts the same, in a prompt and in a reply.
 */
export function textTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text, 'utf8') / 4);
}

/** Tokens of a tool call in a reply: its name and input, plus a fixed frame of 8. */
export function toolUseTokens(name: string, inputJson: string): number {
  return BLOCK_OVERHEAD + textTokens(name) + textTokens(inputJson);
}

/** The fixed part of {@link toolUseTokens}, generated before the first byte of the input. */
export function toolUseFrameTokens(name: string): number {
  return BLOCK_OVERHEAD + textTokens(name);
}

/** All tokens of a prompt; equals `input_tokens` plus both cache counters of the same request's usage. */
export function promptTokens(request: CountableRequest): number {
  return promptSegments(request).reduce((sum, segment) => sum + segment.tokens, 0);
}

/** The prompt as the sequence of segments that prompt caching works on; their tokens sum to the prompt's. */
export function promptSegments(request: CountableRequest): PromptSegment[] {
  const segments: PromptSegment[] = [fixedSegment(REQUEST_OVERHEAD, 'request')];
  const tools = request.tools ?? [];
  if (tools.length > 0) segments.push(fixedSegment(TOOLS_OVERHEAD, 'tools'));
  for (const tool of tools)
    segments.push(segmentOf('tool', tool, textTokens(JSON.stringify(bare(tool)))));
  const format = request.output_config?.format;
  if (format) {
    segments.push(
      segmentOf('format', format, FORMAT_OVERHEAD + textTokens(JSON.stringify(format.schema))),
    );
  }
  for (const block of asBlocks(request.system ?? []))
    segments.push(segmentOf('system', block, blockTokens(block)));
  request.messages.forEach((message) => {
    asBlocks(message.content).forEach((block, index) => {
      const frame = index === 0 ? MESSAGE_OVERHEAD : 0;
      segments.push(segmentOf(message.role, block, frame + blockTokens(block)));
    });
  });
  return segments;
}

function fixedSegment(tokens: number, name: string): PromptSegment {
  return { tokens, identity: () => name, cacheControl: null };
}

function segmentOf(role: string, block: object, tokens: number): PromptSegment {
  const control =
    'cache_control' in block
      ? (block.cache_control as CacheControlEphemeral | null | undefined)
      : null;
  return {
    tokens,
    identity: () => `${role}:${JSON.stringify(bare(block))}`,
    cacheControl: control ?? null,
  };
}

function bare(block: object): object {
  return { ...block, cache_control: undefined };
}

function asBlocks(content: string | readonly ContentBlockParam[]): readonly ContentBlockParam[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : content;
}

function blockTokens(block: ContentBlockParam): number {
  switch (block.type) {
    case 'text':
      return textTokens(block.text);
    case 'thinking':
      return textTokens(block.thinking);
    case 'image':
      return IMAGE_TOKENS;
    case 'tool_use':
      return toolUseTokens(block.name, JSON.stringify(block.input));
    case 'search_result':
      return (
        BLOCK_OVERHEAD +
        textTokens(`${block.title}\n${block.source}`) +
        block.content.reduce((sum, part) => sum + textTokens(part.text), 0)
      );
    case 'tool_result':
      return (
        BLOCK_OVERHEAD +
        asToolResultBlocks(block.content).reduce((sum, part) => sum + blockTokens(part), 0)
      );
    default:
      return BLOCK_OVERHEAD + textTokens(JSON.stringify(bare(block)));
  }
}

function asToolResultBlocks(content: unknown): readonly ContentBlockParam[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return Array.isArray(content) ? (content as ContentBlockParam[]) : [];
}
