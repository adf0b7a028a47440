import type { Builder } from '../builder.ts';

export function declareTokenUsage(builder: Builder): void {
  builder.objectType('TokenUsage', {
    fields: (t) => ({
      inputTokens: t.exposeInt('inputTokens', {
        description: 'Everything sent, cache reads and writes included.',
      }),
      outputTokens: t.exposeInt('outputTokens'),
      cacheReadTokens: t.exposeInt('cacheReadTokens'),
      cacheWriteTokens: t.exposeInt('cacheWriteTokens'),
      estimated: t.exposeBoolean('estimated', {
        description: 'True when a crash or a cut stream forced an estimate.',
      }),
    }),
  });
}
