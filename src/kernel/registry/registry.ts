import type { AnyAgent } from '../agent.ts';
import type { Embedder } from '../embedder.ts';
import type { RegisteredHooks } from '../hooks.ts';
import type { ModelProvider } from '../model.ts';
import type { PluginParts } from '../plugin.ts';
import type { AnyPrompt } from '../prompt.ts';
import type { Reranker } from '../reranker.ts';
import type { AnyTool } from '../tool.ts';

export interface RegisteredPlugin {
  name: string;
  version: string;
  description: string | null;
  /** The file that declares it, where that is known. */
  source?: string | undefined;
  parts: PluginParts;
}

/** A definition together with the name of the plugin that brought it. */
export type Registered<Definition> = Definition & { plugin: string };

/** Everything the plugins of this server define, checked: names are unique, every reference is to something there. */
export interface Registry {
  plugins: readonly RegisteredPlugin[];
  tools: ReadonlyMap<string, Registered<AnyTool>>;
  prompts: ReadonlyMap<string, Registered<AnyPrompt>>;
  agents: ReadonlyMap<string, Registered<AnyAgent>>;
  embedders: ReadonlyMap<string, Embedder>;
  rerankers: ReadonlyMap<string, Registered<Reranker>>;
  providers: ReadonlyMap<string, ModelProvider>;
  /** In the order of the plugin list. */
  hooks: readonly RegisteredHooks[];
  close(): Promise<void>;
}

/**
 * A room's own look at the registry before the server starts: one line for each problem, naming plugin, definition and
 * path, and saying what to do. It sees only definitions that are sound by themselves.
 */
export type RegistryCheck = (registry: Registry) => Iterable<string> | Promise<Iterable<string>>;
