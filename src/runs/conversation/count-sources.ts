import type { Message } from '../../kernel/model.ts';

/** The search results in messages, as citations and bracket numbers count them. */
export const countSources = (messages: readonly Message[]): number =>
  messages.reduce((sum, { content }) => sum + countIn(content), 0);

const countIn = (
  blocks: readonly { type: string; content?: readonly { type: string }[] }[],
): number =>
  blocks.reduce(
    (sum, { type, content }) => sum + (type === 'search_result' ? 1 : countIn(content ?? [])),
    0,
  );
