import type {
  ContentBlock,
  Message,
  MessageDeltaUsage,
  RawMessageDeltaEvent,
  Usage,
} from '@anthropic-ai/sdk/resources/messages/messages';
import type { InputUsage } from '../billing/prompt-cache.ts';
import type { ReplyEnd, ReplyStep } from '../replies/reply-steps.ts';

interface Output {
  outputTokens: number;
  thinkingTokens: number;
}

/** The usage of a message; the cache counters are null when the request used no `cache_control`. */
export function usageOf(input: InputUsage, output: Output): Usage {
  return {
    ...deltaUsageOf(input, output),
    input_tokens: input.inputTokens,
    cache_creation: input.cached
      ? {
          ephemeral_1h_input_tokens: input.cacheWrite1hTokens,
          ephemeral_5m_input_tokens: input.cacheWrite5mTokens,
        }
      : null,
    inference_geo: null,
    service_tier: 'standard',
    speed: null,
  };
}

/** The message as `message_start` brings it: no content yet, and one output token, as the API says. */
export function openingMessage(id: string, model: string, input: InputUsage): Message {
  return {
    id,
    type: 'message',
    role: 'assistant',
    model,
    content: [],
    container: null,
    diagnostics: null,
    stop_reason: null,
    stop_sequence: null,
    stop_details: null,
    usage: usageOf(input, { outputTokens: 1, thinkingTokens: 0 }),
  };
}

/** The event that brings the stop reason and the cumulative usage. */
export function closingEvent(
  end: ReplyEnd,
  input: InputUsage,
  output: Output,
): RawMessageDeltaEvent {
  return {
    type: 'message_delta',
    delta: {
      container: null,
      stop_details: end.stopDetails,
      stop_reason: end.stopReason,
      stop_sequence: end.stopSequence,
    },
    usage: deltaUsageOf(input, output),
  };
}

/** Applies one content event to the blocks of a message that is not streamed. */
export function applyStep(
  content: ContentBlock[],
  json: Map<number, string>,
  event: ReplyStep['event'],
): void {
  const { index } = event;
  const block = content[index];
  if (event.type === 'content_block_start') content[index] = { ...event.content_block };
  if (event.type === 'content_block_stop' && block?.type === 'tool_use')
    block.input = parsedInput(json.get(index) ?? '');
  if (event.type !== 'content_block_delta' || block === undefined) return;
  const { delta } = event;
  if (delta.type === 'input_json_delta')
    json.set(index, (json.get(index) ?? '') + delta.partial_json);
  if (block.type === 'text' && delta.type === 'text_delta') block.text += delta.text;
  if (block.type === 'text' && delta.type === 'citations_delta') {
    block.citations = [...(block.citations ?? []), delta.citation];
  }
  if (block.type === 'thinking' && delta.type === 'thinking_delta')
    block.thinking += delta.thinking;
  if (block.type === 'thinking' && delta.type === 'signature_delta')
    block.signature = delta.signature;
}

function deltaUsageOf(
  input: InputUsage,
  { outputTokens, thinkingTokens }: Output,
): MessageDeltaUsage {
  return {
    cache_creation_input_tokens: input.cached
      ? input.cacheWrite5mTokens + input.cacheWrite1hTokens
      : null,
    cache_read_input_tokens: input.cached ? input.cacheReadTokens : null,
    input_tokens: input.inputTokens,
    output_tokens: Math.max(1, outputTokens),
    output_tokens_details: thinkingTokens > 0 ? { thinking_tokens: thinkingTokens } : null,
    server_tool_use: null,
  };
}

/** An input that was cut off can't be parsed; without streaming the caller then gets an empty one. */
function parsedInput(json: string): unknown {
  try {
    return JSON.parse(json === '' ? '{}' : json) as unknown;
  } catch {
    return {};
  }
}
