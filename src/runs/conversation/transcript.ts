import type { Message } from '../../kernel/model.ts';

type Block = Message['content'][number];

const names = { user: 'User', assistant: 'Assistant' } as const;

/** A conversation as text for a prompt about it: who said what, tool calls and their results included, sources left out. */
export const transcript = (messages: readonly Message[]): string =>
  messages
    .map(({ role, content }) => ({ role, text: (content as Block[]).flatMap(textOf).join('\n') }))
    .filter(({ text }) => text !== '')
    .map(({ role, text }) => `${names[role]}: ${text}`)
    .join('\n\n');

function textOf(block: Block): string[] {
  if (block.type === 'text') return [block.text];
  if (block.type === 'tool_call')
    return [`(calls ${block.name} with ${JSON.stringify(block.input)})`];
  if (block.type === 'tool_result') return [`(result: ${block.content.flatMap(textOf).join(' ')})`];
  return [];
}
