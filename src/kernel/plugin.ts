import { z } from 'zod';
import type { AnyAgent } from './agent.ts';
import type { Embedder } from './embedder.ts';
import type { Hooks } from './hooks.ts';
import type { KnowledgeSearch } from './knowledge-search.ts';
import type { Log } from './log.ts';
import type { ModelProvider } from './model.ts';
import type { AnyPrompt } from './prompt.ts';
import type { Reranker } from './reranker.ts';
import type { AnyTool } from './tool.ts';

/** Services of the server that a plugin may use. */
export interface PluginServices {
  knowledge: KnowledgeSearch;
  log: Log;
}

/** The Pothos builder of the public schema. The schema room fills it in by declaration merging. */
// biome-ignore lint/suspicious/noEmptyInterface: merged by the schema room, which the kernel may not import
export interface SchemaBuilderForPlugins {}

/** Definitions that a plugin adds to the server. */
export interface PluginParts {
  tools?: AnyTool[];
  prompts?: AnyPrompt[];
  agents?: AnyAgent[];
  hooks?: Hooks;
  embedders?: Embedder[];
  rerankers?: Reranker[];
  providers?: ModelProvider[];
  /** Extends the public schema. Runs after the built-in types are declared. */
  graphql?: (builder: SchemaBuilderForPlugins) => void;
  /** Called once at shutdown. */
  close?: () => void | Promise<void>;
}

export interface PluginDefinition<Options extends z.ZodType> {
  /** kebab-case, unique. */
  name: string;
  version: string;
  description?: string;
  options?: Options;
  setup(options: z.output<Options>, services: PluginServices): PluginParts | Promise<PluginParts>;
}

/** A plugin with its options chosen, as `tessera.config.ts` lists it. The server checks the options and sets it up. */
export interface ConfiguredPlugin {
  name: string;
  version: string;
  description: string | null;
  /** Throws `z.ZodError` when the options are not of the plugin's schema. */
  setup(services: PluginServices): Promise<PluginParts>;
}

const noOptions = z.object({});

/** Without an options schema the plugin is called with nothing; else with what the schema takes. */
export type PluginFactory<Options extends z.ZodType> =
  undefined extends z.input<Options>
    ? (options?: z.input<Options>) => ConfiguredPlugin
    : Record<string, never> extends z.input<Options>
      ? (options?: z.input<Options>) => ConfiguredPlugin
      : (options: z.input<Options>) => ConfiguredPlugin;

/** Declares a plugin. The result is called with its options in `tessera.config.ts`: `weather({ units: 'metric' })`. */
export function definePlugin<Options extends z.ZodType = typeof noOptions>(
  definition: PluginDefinition<Options>,
): PluginFactory<Options> {
  const { name, version, description, options: schema = noOptions } = definition;
  const configure = (options: unknown = {}): ConfiguredPlugin => ({
    name,
    version,
    description: description ?? null,
    setup: async (services) =>
      definition.setup((await schema.parseAsync(options)) as z.output<Options>, services),
  });
  return configure as PluginFactory<Options>;
}

export interface TesseraConfig {
  plugins: ConfiguredPlugin[];
}

// Registered for the whole process: a config may load another copy of this package than the server's.
const configMark = Symbol.for('tessera.config');

/** Lists the plugins of a server: the default export of `tessera.config.ts`. */
export function defineConfig(config: TesseraConfig): TesseraConfig {
  return Object.defineProperty({ ...config }, configMark, { value: true });
}

/** Did `defineConfig` make it? */
export const isTesseraConfig = (value: unknown): value is TesseraConfig =>
  typeof value === 'object' && value !== null && configMark in value;
