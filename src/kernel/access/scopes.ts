import { DomainError } from '../errors.ts';

const scopedNames = ['models', 'prompts', 'agents', 'tools', 'collections'] as const;
const scopedRates = ['requestsPerMinute', 'tokensPerMinute', 'concurrentRuns'] as const;

/** Kinds of names that a scope lists. */
export type ScopedName = (typeof scopedNames)[number];
type ScopedRate = (typeof scopedRates)[number];

/**
 * The part of its owner's rights that a key or token keeps. Of a list that is left out every name is allowed; `*` at the
 * end of a name stands for anything. A rate that is left out has no limit of its own.
 */
export type Scopes = { [Name in ScopedName]?: readonly string[] | undefined } & {
  [Rate in ScopedRate]?: number | undefined;
};

const covers = (pattern: string, name: string): boolean =>
  pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;

/** Whether a name is inside the scopes; everything is where there are none. */
export const allows = (
  scopes: Scopes | null | undefined,
  kind: ScopedName,
  name: string,
): boolean => scopes?.[kind]?.some((pattern) => covers(pattern, name)) ?? true;

const nouns: Record<ScopedName, string> = {
  models: 'model',
  prompts: 'prompt',
  agents: 'agent',
  tools: 'tool',
  collections: 'collection',
};

/** Throws FORBIDDEN for a name outside the scopes. */
export function assertAllows(
  scopes: Scopes | null | undefined,
  kind: ScopedName,
  name: string,
): void {
  if (allows(scopes, kind, name)) return;
  throw new DomainError(
    'FORBIDDEN',
    `The scopes of this key do not include the ${nouns[kind]} "${name}". Use one that they include, or another key.`,
  );
}

function commonNames(
  first: readonly string[] | undefined,
  second: readonly string[] | undefined,
): readonly string[] | undefined {
  if (!first || !second) return first ?? second;
  const inBoth = [
    ...first.filter((pattern) => second.some((other) => covers(other, pattern))),
    ...second.filter((pattern) => first.some((other) => covers(other, pattern))),
  ];
  return [...new Set(inBoth)];
}

/** Scopes that allow a thing exactly when both do. */
export function narrowed(
  first: Scopes | null | undefined,
  second: Scopes | null | undefined,
): Scopes | null {
  if (!first || !second) return first ?? second ?? null;
  const both: Scopes = {};
  for (const kind of scopedNames) {
    const names = commonNames(first[kind], second[kind]);
    if (names) both[kind] = names;
  }
  for (const rate of scopedRates) {
    const rates = [first[rate], second[rate]].filter((value) => value !== undefined);
    if (rates.length > 0) both[rate] = Math.min(...rates);
  }
  return both;
}
