import type { AnyPrompt } from '../../../src/kernel/prompt.ts';
import type { Registry } from '../../../src/kernel/registry/registry.ts';

/** A registry of a server without plugins, with what a test adds. */
export const registryWith = (parts: Partial<Registry> = {}): Registry => ({
  plugins: [],
  tools: new Map(),
  prompts: new Map(),
  agents: new Map(),
  embedders: new Map(),
  rerankers: new Map(),
  providers: new Map(),
  hooks: [],
  close: async () => {},
  ...parts,
});

/** A registry with these prompts, of a plugin "fixture". */
export const registryOf = (...prompts: AnyPrompt[]): Registry =>
  registryWith({
    prompts: new Map(prompts.map((prompt) => [prompt.name, { ...prompt, plugin: 'fixture' }])),
  });
