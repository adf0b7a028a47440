import type { Message, ModelCall, UserBlock } from '../kernel/model.ts';
import { outputJsonSchema } from './providers/output-schema.ts';

const requestOverhead = 16;
const messageOverhead = 8;
const blockOverhead = 12;
/** Offering tools adds a system prompt of the provider's own, about 290 to 350 tokens. */
const toolsOverhead = 400;
const formatOverhead = 300;

/**
 * Tokens a text has at most, in practice: one for every 2.5 characters, and one more for every 1.7 bytes that UTF-8
 * needs beyond one a character. English and code have 3 to 4 characters a token, Chinese up to 1.3 tokens a character.
 * Only long random strings (hexadecimal, base64) can have more. Counting exactly takes a network call: it is made where this finds no room.
 */
function maxTokens(text: string): number {
  return Math.ceil(text.length * 0.4 + (Buffer.byteLength(text) - text.length) * 0.6);
}

/** Tokens a text has in the middle of what is likely: one for every four bytes. */
export function likelyTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 4);
}

/** Input tokens of a call for a hold: everything that is sent, by `maxTokens`, and the provider's own framing. */
export function estimateInputTokens(call: Omit<ModelCall, 'model'>): number {
  const { system, messages, tools = [], outputSchema } = call;
  let tokens = requestOverhead;
  if (system) tokens += blockOverhead + maxTokens(system);
  if (tools.length > 0) tokens += toolsOverhead;
  for (const tool of tools) tokens += blockOverhead + maxTokens(JSON.stringify(tool));
  if (outputSchema) {
    tokens += formatOverhead + maxTokens(JSON.stringify(outputJsonSchema(outputSchema)));
  }
  for (const message of messages) tokens += messageOverhead + messageTokens(message);
  return tokens;
}

function messageTokens(message: Message): number {
  if (message.role === 'user')
    return message.content.reduce((sum, block) => sum + userTokens(block), 0);
  const { verbatim, content } = message;
  if (verbatim) return blockOverhead * content.length + maxTokens(JSON.stringify(verbatim.content));
  return content.reduce((sum, block) => sum + blockOverhead + maxTokens(assistantText(block)), 0);
}

function assistantText(
  block: { type: 'text'; text: string } | { type: 'tool_call'; name: string; input: unknown },
): string {
  return block.type === 'text' ? block.text : `${block.name}${JSON.stringify(block.input)}`;
}

function userTokens(block: UserBlock): number {
  switch (block.type) {
    case 'text':
      return blockOverhead + maxTokens(block.text);
    case 'search_result':
      return (
        2 * blockOverhead +
        maxTokens(`${block.title}\n${block.source}`) +
        block.passages.reduce((sum, passage) => sum + 4 + maxTokens(passage), 0)
      );
    case 'tool_result':
      return blockOverhead + block.content.reduce((sum, part) => sum + userTokens(part), 0);
  }
}
