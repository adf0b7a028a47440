import type { Message } from '../../kernel/model.ts';
import type { Builder } from '../builder.ts';

type Block = Message['content'][number];

interface TextPart {
  type: 'TextPart';
  text: string;
}
interface ToolCallPart {
  type: 'ToolCallPart';
  toolCallId: string;
  tool: string;
  input: unknown;
}
interface ToolResultPart {
  type: 'ToolResultPart';
  toolCallId: string;
  output: unknown;
  isError: boolean;
}

export type MessagePart = TextPart | ToolCallPart | ToolResultPart;

/** What stands behind the types of parts, by their names. */
export interface MessagePartObjects {
  TextPart: TextPart;
  ToolCallPart: ToolCallPart;
  ToolResultPart: ToolResultPart;
}

/** Sources are no part of what was said: an answer shows them itself. */
function partsOf(block: Block): MessagePart[] {
  switch (block.type) {
    case 'text':
      return [{ type: 'TextPart', text: block.text }];
    case 'tool_call': {
      const { id: toolCallId, name: tool, input } = block;
      return [{ type: 'ToolCallPart', toolCallId, tool, input }];
    }
    case 'tool_result': {
      const { toolCallId, content, isError } = block;
      return [{ type: 'ToolResultPart', toolCallId, output: outputOf(content), isError }];
    }
    case 'search_result':
      return [];
  }
}

/** Models write one text in several blocks, for the sake of citations. */
function joined(parts: readonly MessagePart[]): MessagePart[] {
  const whole: MessagePart[] = [];
  for (const part of parts) {
    const last = whole.at(-1);
    if (last?.type === 'TextPart' && part.type === 'TextPart') last.text += part.text;
    else whole.push(part);
  }
  return whole;
}

type ToolResultContent = Extract<Block, { type: 'tool_result' }>['content'];

/** As a value where it is one: a model is sent its JSON. */
function outputOf(content: ToolResultContent): unknown {
  const [first, ...others] = content;
  if (first?.type !== 'text' || others.length > 0) return content;
  try {
    return JSON.parse(first.text);
  } catch {
    return first.text;
  }
}

const textOf = ({ content }: Message): string =>
  (content as Block[]).map((block) => (block.type === 'text' ? block.text : '')).join('');

/** `Message` and its parts. */
export function declareMessage(builder: Builder): void {
  builder.objectType('TextPart', {
    description: 'Text within a message.',
    fields: (t) => ({ text: t.exposeString('text', { description: 'The text.' }) }),
  });
  builder.objectType('ToolCallPart', {
    description: 'A call of a tool by the model.',
    fields: (t) => ({
      toolCallId: t.exposeID('toolCallId', { description: 'Id of the call; its result names it.' }),
      tool: t.exposeString('tool', { description: 'Name of the tool.' }),
      input: t.field({
        type: 'JSON',
        description: 'Input of the call.',
        resolve: ({ input }) => input,
      }),
    }),
  });
  builder.objectType('ToolResultPart', {
    description: 'The result of a tool call.',
    fields: (t) => ({
      toolCallId: t.exposeID('toolCallId', { description: 'Id of the call.' }),
      output: t.field({
        type: 'JSON',
        description: 'The result as the model reads it.',
        resolve: ({ output }) => output ?? '',
      }),
      isError: t.exposeBoolean('isError', { description: 'True if the call failed.' }),
    }),
  });
  const MessagePart = builder.unionType('MessagePart', {
    description: 'A part of a message.',
    types: ['TextPart', 'ToolCallPart', 'ToolResultPart'],
    resolveType: ({ type }) => type,
  });
  builder.objectType('Message', {
    description: 'A message of a conversation.',
    fields: (t) => ({
      role: t.field({
        type: 'MessageRole',
        description: 'Author of the message.',
        resolve: ({ role }) => (role === 'user' ? 'USER' : 'ASSISTANT'),
      }),
      text: t.string({ description: 'The text parts, joined.', resolve: textOf }),
      parts: t.field({
        type: [MessagePart],
        description: 'The parts in order. Sources of an answer are not among them.',
        resolve: ({ content }) => joined((content as Block[]).flatMap(partsOf)),
      }),
    }),
  });
}
