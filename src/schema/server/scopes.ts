import { z } from 'zod';
import type { Scopes } from '../../kernel/access/scopes.ts';
import type { Builder } from '../builder.ts';
import { storableText } from '../storable-text.ts';
import type { ScopesValue } from '../type-map.ts';

const lists = {
  models: 'Models that may be called.',
  prompts: 'Prompts that may be used. If set, free text is refused.',
  agents: 'Agents that may be run.',
  tools: 'Tools that agents may call for the key, and that MCP clients may call.',
  collections: 'Collections that may be searched.',
};
const rates = {
  requestsPerMinute: 'Maximum requests per minute.',
  tokensPerMinute: 'Maximum input and output tokens of finished model calls per minute.',
  concurrentRuns: 'Maximum runs at the same time.',
};

const keysOf = <Key extends string>(record: Record<Key, string>): Key[] =>
  Object.keys(record) as Key[];

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

function declareScopesInput(builder: Builder): void {
  builder.inputType('ScopesInput', {
    description:
      'Restrictions of a key. A list that is left out allows every name. A `*` at the end of a name matches any rest.',
    fields: (t) => ({
      models: t.stringList({
        description: 'Models that may be called.',
        validate: { schema: patterns },
      }),
      prompts: t.stringList({
        description: 'Prompts that may be used. If set, free text is refused.',
        validate: { schema: patterns },
      }),
      agents: t.stringList({
        description: 'Agents that may be run.',
        validate: { schema: patterns },
      }),
      tools: t.stringList({
        description: 'Tools that agents may call for the key, and that MCP clients may call.',
        validate: { schema: patterns },
      }),
      collections: t.stringList({
        description: 'Collections that may be searched.',
        validate: { schema: patterns },
      }),
      requestsPerMinute: t.int({
        description: 'Maximum requests per minute.',
        validate: { min: 1, max: maxRate },
      }),
      tokensPerMinute: t.int({
        description: 'Maximum input and output tokens of finished model calls per minute.',
        validate: { min: 1, max: maxRate },
      }),
      concurrentRuns: t.int({
        description: 'Maximum runs at the same time.',
        validate: { min: 1, max: maxRate },
      }),
    }),
  });
}

/** The input and the output type of the part of its rights that a key keeps. */
export function declareScopes(builder: Builder): void {
  declareScopesInput(builder);
  builder.objectType('Scopes', {
    description: 'Restrictions of a key. A member that is null restricts nothing.',
    fields: (t) => ({
      ...Object.fromEntries(
        keysOf(lists).map((name) => [
          name,
          t.stringList({
            nullable: true,
            description: lists[name],
            resolve: (scopes) => scopes[name] && [...scopes[name]],
          }),
        ]),
      ),
      ...Object.fromEntries(
        keysOf(rates).map((name) => [
          name,
          t.int({
            nullable: true,
            description: rates[name],
            resolve: (scopes) => scopes[name] ?? null,
          }),
        ]),
      ),
    }),
  });
}
