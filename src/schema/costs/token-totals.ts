import type { Builder, ObjectFields } from '../builder.ts';

/** Tokens that many calls summed to. */
export interface TokenTotals {
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
}

const maxInt = 2 ** 31 - 1;

/** A sum in an `Int` field: the largest of them where it does not fit, so that the rest is answered all the same. */
const saturatedInt = (sum: number): number => Math.min(sum, maxInt);

const saturates = 'At most 2147483647, whatever the sum is: `tokens` has it whole.';

/** The sums of everything that has them: whole, and as the `Int`s that they were at first. */
export const tokenTotalFields = (t: ObjectFields<TokenTotals>) => ({
  tokens: t.field({
    type: 'TokenTotals',
    description: 'Exact token sums.',
    resolve: (totals) => totals,
  }),
  inputTokens: t.int({
    description: saturates,
    resolve: ({ inputTokens }) => saturatedInt(inputTokens),
  }),
  outputTokens: t.int({
    description: saturates,
    resolve: ({ outputTokens }) => saturatedInt(outputTokens),
  }),
});

/** The two of which only the whole answer has an `Int`. */
export const cacheTotalFields = (t: ObjectFields<TokenTotals>) => ({
  cacheReadTokens: t.int({
    description: saturates,
    resolve: ({ cacheReadTokens }) => saturatedInt(cacheReadTokens),
  }),
  cacheWriteTokens: t.int({
    description: saturates,
    resolve: ({ cacheWriteTokens }) => saturatedInt(cacheWriteTokens),
  }),
});

export function declareTokenTotals(builder: Builder): void {
  builder.objectType('TokenTotals', {
    description: 'Token sums over many calls.',
    fields: (t) => ({
      input: t.expose('inputTokens', {
        type: 'SafeInt',
        description: 'Everything sent, cache reads and writes included.',
      }),
      output: t.expose('outputTokens', {
        type: 'SafeInt',
        description: 'Everything generated, thinking included.',
      }),
      cacheRead: t.expose('cacheReadTokens', {
        type: 'SafeInt',
        description: "Input tokens read from the provider's prompt cache.",
      }),
      cacheWrite: t.expose('cacheWriteTokens', {
        type: 'SafeInt',
        description: "Input tokens written to the provider's prompt cache.",
      }),
    }),
  });
}
