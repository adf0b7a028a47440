import type { ModelProvider } from '../kernel/model.ts';
import type { ModelName } from './models.ts';

/** The provider whose models need no prefix. */
export const unprefixedProvider = 'anthropic';

export interface ProviderModel {
  provider: ModelProvider;
  /** As the provider knows it. */
  model: string;
  /** As the API shows it. */
  name: ModelName;
}

/** Spaces, control characters, invisible ones, halves of surrogate pairs: no model is named so. */
const unnameable = /[\p{C}\p{Z}]/u;

interface NameReading {
  providers: ReadonlyMap<string, ModelProvider>;
  /** Does the server know the model by this name, such as by its price? */
  isKnown(name: ModelName): boolean;
}

/**
 * Reads a name: "openai/gpt-x" is a model of the provider "openai", "claude-x" and "anthropic/claude-x" one of
 * "anthropic". A provider's own names may have slashes ("openai/meta/llama"). Null when no such provider is here.
 *
 * The name that comes back reads as the same model again: a gate, a key's scope and a price see the model that is called.
 * So a repeated prefix is null as well, unless the server knows a model by that very name ("openai/openai/gpt-oss-120b").
 */
export function readModelName(
  name: string,
  { providers, isKnown }: NameReading,
): ProviderModel | null {
  const { prefix, model } = parse(name.trim());
  const provider = providers.get(prefix);
  if (!provider || model === '' || unnameable.test(model)) return null;
  const shown = publicName(prefix, model);
  const again = parse(shown);
  if (again.prefix !== prefix || again.model !== model) return null;
  if (model.startsWith(`${prefix}/`) && !isKnown(shown)) return null;
  return { provider, model, name: shown };
}

function parse(name: string): { prefix: string; model: string } {
  const slash = name.indexOf('/');
  const prefix = slash < 0 ? unprefixedProvider : name.slice(0, slash);
  return { prefix, model: name.slice(slash + 1) };
}

/** The name the API shows. */
export function publicName(provider: string, model: string): ModelName {
  return provider === unprefixedProvider ? model : `${provider}/${model}`;
}
