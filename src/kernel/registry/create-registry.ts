import { z } from 'zod';
import type { AnyAgent } from '../agent.ts';
import type { Embedder } from '../embedder.ts';
import type { Hooks, RegisteredHooks } from '../hooks.ts';
import { messageOf } from '../message-of.ts';
import type { ModelProvider } from '../model.ts';
import type { ConfiguredPlugin, PluginParts, PluginServices } from '../plugin.ts';
import type { AnyPrompt } from '../prompt.ts';
import type { Reranker } from '../reranker.ts';
import { StartupError } from '../startup-error.ts';
import type { AnyTool } from '../tool.ts';
import { isKebabCase } from './names.ts';
import type { Registered, RegisteredPlugin, Registry, RegistryCheck } from './registry.ts';
import {
  type DefinitionKind,
  definitionProblems,
  relationProblems,
  rerankerProblems,
} from './registry-problems.ts';

interface Draft extends Registry {
  plugins: RegisteredPlugin[];
  hooks: RegisteredHooks[];
  tools: Map<string, Registered<AnyTool>>;
  prompts: Map<string, Registered<AnyPrompt>>;
  agents: Map<string, Registered<AnyAgent>>;
  embedders: Map<string, Embedder>;
  rerankers: Map<string, Registered<Reranker>>;
  providers: Map<string, ModelProvider>;
}

function emptyDraft(services: PluginServices): Draft {
  const plugins: RegisteredPlugin[] = [];
  let closing: Promise<void> | undefined;
  const closeAll = async (): Promise<void> => {
    for (const { name, parts } of plugins.toReversed()) {
      try {
        await parts.close?.();
      } catch (error) {
        services.log.error({ err: error, plugin: name }, 'plugin failed to close');
      }
    }
  };
  return {
    plugins,
    tools: new Map(),
    prompts: new Map(),
    agents: new Map(),
    embedders: new Map(),
    rerankers: new Map(),
    providers: new Map(),
    hooks: [],
    close: () => (closing ??= closeAll()),
  };
}

/** The plugin list itself: `weather` where `weather()` was meant is the commonest slip. */
function listProblems(plugins: readonly ConfiguredPlugin[]): string[] {
  return plugins.flatMap((plugin: unknown, index) => {
    if (typeof plugin === 'function') {
      return `plugins[${index}] is not configured yet: call it, as in plugins: [weather()]`;
    }
    const { name, setup } = (plugin ?? {}) as Partial<ConfiguredPlugin>;
    if (typeof setup !== 'function') {
      return `plugins[${index}] is no plugin: list what a definePlugin(…) function returned`;
    }
    if (!isKebabCase(name)) {
      return `plugins[${index}]: the plugin name "${name}" must be lower kebab-case, like "knowledge-search"`;
    }
    const first = plugins.findIndex((other) => other?.name === name);
    return first < index
      ? `plugins[${index}]: plugin "${name}" is listed already, as plugins[${first}]; take one out`
      : [];
  });
}

function setupProblems(plugin: ConfiguredPlugin, error: unknown): string[] {
  const where = `plugin "${plugin.name}":`;
  if (!(error instanceof z.ZodError)) return [`${where} setup failed: ${messageOf(error)}`];
  return error.issues.map(
    (issue) => `${where} option ${z.core.toDotPath(issue.path) || '(all)'}: ${issue.message}`,
  );
}

const partNames: ReadonlySet<string> = new Set<keyof PluginParts>([
  ...(['tools', 'prompts', 'agents', 'hooks', 'embedders', 'rerankers', 'providers'] as const),
  ...(['graphql', 'close'] as const),
]);
const hookNames: ReadonlySet<string> = new Set<keyof Hooks>([
  ...(['beforeModelCall', 'afterModelCall', 'afterToolCall'] as const),
  ...(['onRunEvent', 'onRunEnd', 'onAlert'] as const),
]);

/** A misspelt part would be left out without a word. */
function unknownParts(parts: PluginParts): string[] {
  const found = (what: string, given: object, known: ReadonlySet<string>): string[] =>
    Object.keys(given)
      .filter((name) => !known.has(name))
      .map((name) => `there is no ${what} "${name}" (there are: ${[...known].join(', ')})`);
  return [...found('part', parts, partNames), ...found('hook', parts.hooks ?? {}, hookNames)];
}

type Add<Definition> = {
  kind: DefinitionKind;
  definitions: readonly Definition[] | undefined;
  into: Map<string, Registered<Definition>>;
};

function addDefinitions<Definition extends AnyTool | AnyPrompt | AnyAgent>(
  plugin: string,
  { kind, definitions, into }: Add<Definition>,
): string[] {
  return (definitions ?? []).flatMap((definition) => {
    const where = `plugin "${plugin}", ${kind} "${definition.name}":`;
    const problems = [...definitionProblems(kind, definition)];
    const other = into.get(definition.name);
    if (other) {
      problems.push(
        `plugin "${other.plugin}" has a ${kind} of that name${other.plugin === plugin ? ' already' : ''}; rename one`,
      );
    } else if (problems.length === 0) {
      into.set(definition.name, { ...definition, plugin });
    }
    return problems.map((problem) => `${where} ${problem}`);
  });
}

function addNamed<Part extends { name: string }>(
  plugin: string,
  kind: string,
  add: { parts: readonly Part[] | undefined; into: Map<string, Part> },
): string[] {
  return (add.parts ?? []).flatMap((part) => {
    if (!part.name) return `plugin "${plugin}", ${kind}: the name is missing`;
    if (add.into.has(part.name)) {
      return `plugin "${plugin}", ${kind} "${part.name}": another ${kind} has that name; rename one`;
    }
    add.into.set(part.name, part);
    return [];
  });
}

function addRerankers(
  plugin: string,
  rerankers: readonly Reranker[],
  into: Draft['rerankers'],
): string[] {
  const problems = rerankers.flatMap((reranker) => {
    const found = [...rerankerProblems(reranker)];
    return found.map((problem) => `plugin "${plugin}", reranker "${reranker.name}": ${problem}`);
  });
  if (problems.length > 0) return problems;
  return addNamed(plugin, 'reranker', {
    parts: rerankers.map((each) => ({ ...each, plugin })),
    into,
  });
}

function addParts(draft: Draft, plugin: string, parts: PluginParts): string[] {
  if (parts.hooks) draft.hooks.push({ plugin, hooks: parts.hooks });
  return [
    ...unknownParts(parts).map((problem) => `plugin "${plugin}": ${problem}`),
    ...addDefinitions(plugin, { kind: 'tool', definitions: parts.tools, into: draft.tools }),
    ...addDefinitions(plugin, { kind: 'prompt', definitions: parts.prompts, into: draft.prompts }),
    ...addDefinitions(plugin, { kind: 'agent', definitions: parts.agents, into: draft.agents }),
    ...addNamed(plugin, 'embedder', { parts: parts.embedders, into: draft.embedders }),
    ...addRerankers(plugin, parts.rerankers ?? [], draft.rerankers),
    ...addNamed(plugin, 'provider', { parts: parts.providers, into: draft.providers }),
  ];
}

async function setUp(
  draft: Draft,
  plugin: ConfiguredPlugin,
  services: PluginServices,
): Promise<string[]> {
  const { name, version, description } = plugin;
  try {
    const log = services.log.child({ plugin: name });
    const parts = (await plugin.setup({ ...services, log })) ?? {};
    draft.plugins.push({ name, version, description, parts });
    return addParts(draft, name, parts);
  } catch (error) {
    return setupProblems(plugin, error);
  }
}

/**
 * Sets the plugins up in their order and checks everything they define, then lets each room check what it alone
 * understands (templates, GraphQL types). Rejects with one `StartupError` that lists all problems; plugins set up by
 * then is closed again.
 */
export async function createRegistry(
  plugins: readonly ConfiguredPlugin[],
  services: PluginServices,
  checks: readonly RegistryCheck[],
): Promise<Registry> {
  const problems = listProblems(plugins);
  if (problems.length > 0) throw new StartupError(problems);
  const draft = emptyDraft(services);
  try {
    for (const plugin of plugins) problems.push(...(await setUp(draft, plugin, services)));
    problems.push(...relationProblems(draft));
    for (const check of checks) problems.push(...(await check(draft)));
    if (problems.length > 0) throw new StartupError(problems);
  } catch (error) {
    await draft.close();
    throw error;
  }
  return draft;
}
