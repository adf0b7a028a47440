import type { Message } from '../../kernel/model.ts';
import type { EventOf } from './called-turns.ts';
import { userMessage } from './exchange.ts';
import type { Exchange } from './read-history.ts';

export type Shortened = Pick<EventOf<'HistoryShortened'>, 'runIds' | 'summary'>;

/** What is left of a history: the exchanges of these runs are left out, and a summary of them goes in their place. */
export function shortenedMessages(
  exchanges: readonly Exchange[],
  { runIds, summary }: Shortened,
): Message[] {
  const out = new Set(runIds);
  const rest = exchanges.filter(({ runId }) => !out.has(runId));
  return [...(summary === null ? [] : [userMessage(summary)]), ...messagesOf(rest)];
}

export const messagesOf = (exchanges: readonly Exchange[]): Message[] =>
  exchanges.flatMap(({ asked, answered }) => [...asked, ...answered]);

/**
 * Exchanges that can only be left out together, oldest first: where one brings the results of tools that the one before it
 * had called.
 */
export function separableExchanges(exchanges: readonly Exchange[]): Exchange[][] {
  const groups: Exchange[][] = [];
  for (const exchange of exchanges) {
    const brings = exchange.asked[0]?.content.some(({ type }) => type === 'tool_result');
    const last = groups.at(-1);
    if (brings && last) last.push(exchange);
    else groups.push([exchange]);
  }
  return groups;
}
