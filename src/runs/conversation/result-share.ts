import type { ShownResult } from '../../kernel/events.ts';

/** What the model is shown of a result while there is room for it: a long run has to stay inside the model's window. */
export const maxShown: ShownResult = { characters: 50_000, sourceTokens: 6_000 };

/**
 * How much of a result's text, or of its sources, fits into so many tokens. Decided once and kept with the result: what
 * was sent to the model must not change any more.
 */
export function shareOf(
  text: string,
  tokens: number,
  tokensOf: (text: string) => number,
): ShownResult {
  const sourceTokens = Math.min(maxShown.sourceTokens, tokens);
  let characters = Math.min(maxShown.characters, text.length);
  for (let needs = tokensOf(text.slice(0, characters)); needs > tokens && characters > 0; ) {
    characters = Math.floor((characters * tokens) / needs);
    needs = tokensOf(text.slice(0, characters));
  }
  return { characters, sourceTokens };
}
