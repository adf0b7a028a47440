import { z } from 'zod';
import type { Scopes } from '../../kernel/access/scopes.ts';
import type { Builder } from '../builder.ts';
import { storableText } from '../storable-text.ts';
import type { ScopesValue } from '../type-map.ts';

const lists = ['models', 'prompts', 'agents', 'tools', 'collections'] as const;
const rates = ['requestsPerMinute', 'tokensPerMinute', 'concurrentRuns'] as const;

const pattern = storableText(200)
  .min(1)
  .refine((name) => !name.slice(0, -1).includes('*'), 'may have a * at its end only');
const patterns = z.array(pattern).max(200);
const maxRate = 2_147_483_647;

/** Scopes as they are stored: without the members that were left out. */
export function toScopes(input: ScopesValue | null | undefined): Scopes | null {
  const set = Object.entries(input ?? {}).filter(([, value]) => value != null);
  return set.length > 0 ? Object.fromEntries(set) : null;
}

/** The input and the output type of the part of its rights that a key keeps. */
export function declareScopes(builder: Builder): void {
  builder.inputType('ScopesInput', {
    description:
      'The part of its rights that a key keeps. Of a list that is left out every name is allowed; `*` at the end of a name stands for anything.',
    fields: (t) => ({
      models: t.stringList({ validate: { schema: patterns } }),
      prompts: t.stringList({
        description: 'Where prompts are listed, free text is not accepted.',
        validate: { schema: patterns },
      }),
      agents: t.stringList({ validate: { schema: patterns } }),
      tools: t.stringList({
        description: 'Tools that agents may call for the key, and that MCP clients may call.',
        validate: { schema: patterns },
      }),
      collections: t.stringList({ validate: { schema: patterns } }),
      requestsPerMinute: t.int({ validate: { min: 1, max: maxRate } }),
      tokensPerMinute: t.int({
        description: 'Input and output tokens of finished model calls.',
        validate: { min: 1, max: maxRate },
      }),
      concurrentRuns: t.int({ validate: { min: 1, max: maxRate } }),
    }),
  });
  builder.objectType('Scopes', {
    description: 'What a key is narrowed to. A member that is null narrows nothing.',
    fields: (t) => ({
      ...Object.fromEntries(
        lists.map((name) => [
          name,
          t.stringList({ nullable: true, resolve: (scopes) => scopes[name] && [...scopes[name]] }),
        ]),
      ),
      ...Object.fromEntries(
        rates.map((name) => [
          name,
          t.int({ nullable: true, resolve: (scopes) => scopes[name] ?? null }),
        ]),
      ),
    }),
  });
}
