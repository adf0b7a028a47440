import type { AnyAgent } from '../agent.ts';
import type { AnyPrompt } from '../prompt.ts';
import type { Reranker } from '../reranker.ts';
import type { AnyTool } from '../tool.ts';
import { camelCase, isKebabCase, isSnakeCase, reservedPromptFields } from './names.ts';
import type { Registry } from './registry.ts';

export type DefinitionKind = 'tool' | 'prompt' | 'agent';

const isPositiveInteger = (value: unknown): boolean => Number.isInteger(value) && Number(value) > 0;
const isFilled = (text: unknown): boolean => typeof text === 'string' && text.trim() !== '';

/** Is it a schema of this kind ("object"), or of any when none is named? Also for a second copy of zod. */
function isSchema(value: unknown, type?: string): boolean {
  const actual = (value as { _zod?: { def?: { type?: unknown } } } | null | undefined)?._zod?.def
    ?.type;
  return type === undefined ? actual !== undefined : actual === type;
}

function nameProblem(kind: DefinitionKind, name: unknown): string | null {
  if (!isSnakeCase(name)) {
    return 'the name must be lower snake_case with at most 64 characters, like "get_weather"';
  }
  if (kind === 'prompt' && reservedPromptFields.has(camelCase(name))) {
    return `the name is reserved: the API has a field "${camelCase(name)}" already; choose another`;
  }
  return null;
}

function* limitProblems(limits: Record<string, unknown>): Iterable<string> {
  for (const [limit, value] of Object.entries(limits)) {
    if (value !== undefined && !isPositiveInteger(value)) {
      yield `${limit} must be a whole number above 0`;
    }
  }
}

function* toolProblems(tool: AnyTool): Iterable<string> {
  if (!isSchema(tool.input, 'object')) yield 'input must be a z.object({ … })';
  if (!isSchema(tool.output)) yield 'output must be a zod schema';
  if (typeof tool.run !== 'function') yield 'run must be a function';
  yield* limitProblems({ timeoutMs: tool.timeoutMs });
  if (tool.approvers !== undefined && !tool.needsApproval) {
    yield 'approvers decide on nothing: set needsApproval as well, or remove approvers';
  }
  const { retries = 0 } = tool;
  if (!Number.isInteger(retries) || retries < 0 || retries > 10) {
    yield 'retries must be a whole number from 0 to 10';
  } else if (retries > 0 && tool.idempotent !== true) {
    yield 'only an idempotent tool may be retried: set idempotent: true if a second call has no second effect, else remove retries';
  }
}

function* promptProblems(prompt: AnyPrompt): Iterable<string> {
  if (!isSchema(prompt.variables, 'object')) yield 'variables must be a z.object({ … })';
  if (prompt.output !== undefined && !isSchema(prompt.output)) yield 'output must be a zod schema';
  if (!isFilled(prompt.template)) yield 'the template is missing';
  yield* limitProblems({ maxTokens: prompt.maxTokens });
}

function* agentProblems(agent: AnyAgent): Iterable<string> {
  if (!isFilled(agent.instructions)) yield 'instructions are missing: they are its system prompt';
  if (!Array.isArray(agent.tools)) yield 'tools must be a list of tool names (it may be empty)';
  if (agent.output !== undefined && !isSchema(agent.output)) yield 'output must be a zod schema';
  yield* limitProblems({ maxTurns: agent.maxTurns, maxTokens: agent.maxTokens });
}

/** Problems of a definition by itself. A definition with a problem is left out of the registry. */
export function* definitionProblems(
  kind: DefinitionKind,
  definition: AnyTool | AnyPrompt | AnyAgent,
): Iterable<string> {
  const name = nameProblem(kind, definition.name);
  if (name !== null) yield name;
  if (!isFilled(definition.description)) {
    yield 'the description is missing: clients and models choose by it';
  }
  if (kind === 'tool') yield* toolProblems(definition as AnyTool);
  else if (kind === 'prompt') yield* promptProblems(definition as AnyPrompt);
  else yield* agentProblems(definition as AnyAgent);
}

export function* rerankerProblems({
  name,
  description,
  candidates = 1,
  rerank,
}: Reranker): Iterable<string> {
  if (!isKebabCase(name)) yield 'the name must be lower kebab-case, like "cross-encoder"';
  if (!isFilled(description)) yield 'the description is missing: clients choose by it';
  if (!isPositiveInteger(candidates) || candidates > 100)
    yield 'candidates must be a whole number from 1 to 100';
  if (typeof rerank !== 'function') yield 'rerank must be a function';
}

const listed = (names: Iterable<string>): string => [...names].sort().join(', ') || 'none';

/** Names that some plugin declares, also by a definition that was refused: its own problem is reported already. */
const declared = (registry: Registry, part: 'tools' | 'agents'): Set<string> =>
  new Set(registry.plugins.flatMap(({ parts }) => (parts[part] ?? []).map(({ name }) => name)));

const repeated = (names: readonly string[]): string[] =>
  names.filter((name, index) => names.indexOf(name) < index);

function* unknownReferences(registry: Registry): Iterable<string> {
  const tools = declared(registry, 'tools');
  const agents = declared(registry, 'agents');
  for (const agent of registry.agents.values()) {
    const where = `plugin "${agent.plugin}", agent "${agent.name}":`;
    for (const name of repeated([...agent.tools, ...(agent.agents ?? [])])) {
      yield `${where} "${name}" is listed twice; take one out`;
    }
    for (const tool of agent.tools.filter((name) => !tools.has(name))) {
      yield `${where} there is no tool "${tool}" (there are: ${listed(registry.tools.keys())}); list the plugin that brings it in tessera.config.ts or take it out`;
    }
    for (const other of (agent.agents ?? []).filter((name) => !agents.has(name))) {
      yield `${where} there is no agent "${other}" (there are: ${listed(registry.agents.keys())})`;
    }
  }
}

/** Agents that can reach themselves would nest runs without end. */
function* circles(registry: Registry): Iterable<string> {
  const finished = new Set<string>();
  const visit = function* (name: string, path: readonly string[]): Iterable<string> {
    const start = path.indexOf(name);
    if (start >= 0) {
      yield `agents call each other in a circle: ${[...path.slice(start), name].join(' → ')}; take one of these out of the other's agents`;
      return;
    }
    if (finished.has(name)) return;
    for (const next of registry.agents.get(name)?.agents ?? []) yield* visit(next, [...path, name]);
    finished.add(name);
  };
  for (const name of registry.agents.keys()) yield* visit(name, []);
}

function* sharedNames(registry: Registry): Iterable<string> {
  for (const agent of registry.agents.values()) {
    const tool = registry.tools.get(agent.name);
    if (tool) {
      yield `plugin "${agent.plugin}", agent "${agent.name}": plugin "${tool.plugin}" has a tool of that name, and agents may be called as tools; rename one`;
    }
  }
  const fields = new Map<string, { name: string; plugin: string }>();
  for (const prompt of registry.prompts.values()) {
    const field = camelCase(prompt.name);
    const other = fields.get(field);
    if (other) {
      yield `plugin "${prompt.plugin}", prompt "${prompt.name}": prompt "${other.name}" of plugin "${other.plugin}" is the same GraphQL field "${field}"; rename one`;
    }
    fields.set(field, prompt);
  }
}

/** Contradictions between definitions that are valid by themselves. */
export function* relationProblems(registry: Registry): Iterable<string> {
  yield* unknownReferences(registry);
  yield* circles(registry);
  yield* sharedNames(registry);
}
