/** Longer than any token of any model's text is on average. */
const charactersPerToken = 16;

/** Every answer may be this long: what follows from a small `maxTokens` would cut servers that count otherwise. */
const minCharacters = 1_000_000;

/** The most characters of text, thinking and tool input that are taken of an answer. */
export const maxAnswerCharacters = (maxTokens: number): number =>
  Math.max(minCharacters, charactersPerToken * maxTokens);

/**
 * The most characters of one event, and of everything else that an answer is kept with (signatures, citations, results
 * of the provider's own tools): their size does not follow from `maxTokens`.
 */
export const maxOpaqueCharacters = 8_000_000;
