import type { Builder } from '../builder.ts';

export function declareTokenUsage(builder: Builder): void {
  builder.objectType('TokenUsage', {
    description: 'Tokens of one or more model calls.',
    fields: (t) => ({
      inputTokens: t.exposeInt('inputTokens', {
        description: 'Everything sent, cache reads and writes included.',
      }),
      outputTokens: t.exposeInt('outputTokens', {
        description: 'Everything generated, thinking included.',
      }),
      cacheReadTokens: t.exposeInt('cacheReadTokens', {
        description: "Input tokens read from the provider's prompt cache.",
      }),
      cacheWriteTokens: t.exposeInt('cacheWriteTokens', {
        description: "Input tokens written to the provider's prompt cache.",
      }),
      estimated: t.exposeBoolean('estimated', {
        description: 'True when a crash or a cut stream forced an estimate.',
      }),
    }),
  });
}
