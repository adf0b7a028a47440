import type { Hooks } from '../hooks.ts';
import type { PluginParts } from '../plugin.ts';

const listParts = ['tools', 'prompts', 'agents', 'embedders', 'rerankers', 'providers'] as const;
const partNames: readonly string[] = [
  'tools',
  'prompts',
  'agents',
  'hooks',
  'embedders',
  'rerankers',
  'providers',
  'graphql',
  'close',
] satisfies (keyof PluginParts)[];
const hookNames: readonly string[] = [
  'beforeModelCall',
  'afterModelCall',
  'afterToolCall',
  'onRunEvent',
  'onRunEnd',
  'onAlert',
] satisfies (keyof Hooks)[];

/** The functions that a part of this kind has to have: a server would find out with the first call. */
const functionsOf: Partial<Record<(typeof listParts)[number], readonly string[]>> = {
  embedders: ['embed'],
  providers: ['stream', 'estimateInputTokens', 'listModels'],
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The parts that are of the shape they should be, and a problem for each of the others. */
export interface ReadParts {
  parts: PluginParts;
  problems: string[];
}

/** Reads what a plugin's `setup` returned, which nothing but TypeScript has checked. */
export function readParts(returned: unknown): ReadParts {
  const given = returned ?? {};
  if (!isObject(given)) {
    const problem = 'setup must return an object, as in { tools: [tool] }';
    return { parts: {}, problems: [problem] };
  }
  const problems = [...unknownNames('part', given, partNames), ...hookProblems(given['hooks'])];
  const parts: Record<string, unknown> = {};
  if (isObject(given['hooks'])) parts['hooks'] = given['hooks'];
  for (const name of listParts) {
    const found = listProblems(name, given[name]);
    problems.push(...found);
    if (found.length === 0) parts[name] = given[name];
  }
  for (const name of ['graphql', 'close'] as const) {
    const value = given[name];
    if (value === undefined || typeof value === 'function') parts[name] = value;
    else problems.push(`${name} must be a function`);
  }
  return { parts, problems };
}

function listProblems(name: (typeof listParts)[number], list: unknown): string[] {
  if (list === undefined) return [];
  if (!Array.isArray(list)) {
    const hint = isObject(list) ? ': put it in brackets' : '';
    return [`${name} must be a list, as in { ${name}: [one] }${hint}`];
  }
  return list.flatMap((item: unknown, index) => {
    if (!isObject(item)) return `${name}[${index}] is no definition, but ${kindOf(item)}`;
    const missing = (functionsOf[name] ?? []).filter((key) => typeof item[key] !== 'function');
    return missing.map((key) => `${name}[${index}]: ${key} must be a function`);
  });
}

/** A misspelt part would be left out without a word. */
const unknownNames = (what: string, given: object, known: readonly string[]): string[] =>
  Object.keys(given)
    .filter((name) => !known.includes(name))
    .map((name) => `there is no ${what} "${name}" (there are: ${known.join(', ')})`);

function hookProblems(hooks: unknown): string[] {
  if (hooks === undefined) return [];
  if (!isObject(hooks)) return ['hooks must be an object, as in { hooks: { onAlert: … } }'];
  const odd = Object.keys(hooks).filter(
    (name) => hookNames.includes(name) && !['function', 'undefined'].includes(typeof hooks[name]),
  );
  return [
    ...unknownNames('hook', hooks, hookNames),
    ...odd.map((name) => `the hook ${name} must be a function`),
  ];
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'string' ? `the text "${value.slice(0, 50)}"` : `a ${typeof value}`;
}
