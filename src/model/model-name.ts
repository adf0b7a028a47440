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

/** Control characters and halves of surrogate pairs: no model is named so, and no database stores all of them. */
const unnameable = /[\p{Cc}\p{Cs}]/u;

/**
 * What a name means: "openai/gpt-x" a model of the provider "openai", "claude-x" and "anthropic/claude-x" one of
 * "anthropic". A provider's own names may have slashes ("openai/meta/llama"). Null when no such provider is here.
 */
export function readModelName(
  name: string,
  providers: ReadonlyMap<string, ModelProvider>,
): ProviderModel | null {
  const text = name.trim();
  const slash = text.indexOf('/');
  const prefix = slash < 0 ? unprefixedProvider : text.slice(0, slash);
  const model = text.slice(slash + 1);
  const provider = providers.get(prefix);
  if (!provider || model === '' || unnameable.test(model)) return null;
  return { provider, model, name: publicName(prefix, model) };
}

/** The name the API shows. */
export function publicName(provider: string, model: string): ModelName {
  return provider === unprefixedProvider ? model : `${provider}/${model}`;
}
