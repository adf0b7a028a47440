/** More than any request or answer has: such a number is a mistake, and counts as missing. */
const maxTokens = 1_000_000_000;

/** A number of tokens as a provider reports it, whole; null when it is missing or cannot be one. */
export function tokenCount(value: unknown): number | null {
  const number = typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !(number >= 0 && number <= maxTokens)) return null;
  return Math.ceil(number);
}
