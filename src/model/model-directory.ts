import { isDomainError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { ModelInformation, ModelProvider } from '../kernel/model.ts';
import type { ModelPrice, Prices } from '../kernel/prices.ts';
import { findInCatalogue, listCatalogue } from './model-catalogue.ts';
import { publicName, unprefixedProvider } from './model-name.ts';
import type { ModelName } from './models.ts';

export type ListedModel = ModelInformation & { provider: string; price: ModelPrice | null };

export interface ModelDirectory {
  /** What is known without asking anyone. */
  find(name: ModelName): ModelInformation | null;
  /** The catalogue and what the providers list; a provider that does not answer within 2 s is left out. */
  list(): Promise<ListedModel[]>;
}

interface Asked {
  until: number;
  models: Promise<ModelInformation[]>;
}

const timeoutMs = 2_000;
const freshMs = 10 * 60_000;
const freshAfterFailureMs = 30_000;

/** Which models there are. Providers are asked at most every ten minutes (half a minute when they failed). */
export function createModelDirectory(options: {
  providers: readonly ModelProvider[];
  prices: Prices;
  log: Log;
}): ModelDirectory {
  const told = new Map<ModelName, ModelInformation>();
  const asked = new Map<string, Asked>();
  const ask = (provider: ModelProvider): Promise<ModelInformation[]> => {
    const earlier = asked.get(provider.name);
    if (earlier && earlier.until > Date.now()) return earlier.models;
    const now: Asked = { until: Date.now() + freshMs, models: askProvider(provider) };
    asked.set(provider.name, now);
    now.models = now.models.catch((error: unknown) => {
      now.until = Date.now() + freshAfterFailureMs;
      const why = isDomainError(error) ? error.code : 'no answer';
      options.log.warn({ provider: provider.name, why }, 'models not listed by the provider');
      return [];
    });
    return now.models;
  };
  return {
    find: (name) => told.get(name) ?? findInCatalogue(name),
    async list() {
      const lists = await Promise.all(
        options.providers.map(async (provider) => {
          const models = merge(catalogueOf(provider), await ask(provider));
          for (const model of models) told.set(model.id, model);
          return models.map((model) => ({ ...model, provider: provider.name }));
        }),
      );
      const now = new Date();
      return lists
        .flat()
        .map((model) => ({ ...model, price: options.prices.priceOf(model.id, now) }));
    },
  };
}

function catalogueOf({ name }: ModelProvider): ModelInformation[] {
  return name === unprefixedProvider ? listCatalogue() : [];
}

/** What a provider says of a model goes over what the catalogue says. */
function merge(catalogue: ModelInformation[], listed: ModelInformation[]): ModelInformation[] {
  const all = new Map(catalogue.map((model) => [model.id, model]));
  for (const model of listed) {
    const known = all.get(model.id);
    all.set(model.id, {
      id: model.id,
      contextWindow: model.contextWindow ?? known?.contextWindow,
      maxOutputTokens: model.maxOutputTokens ?? known?.maxOutputTokens,
      lifecycle: model.lifecycle ?? known?.lifecycle,
    });
  }
  return [...all.values()];
}

async function askProvider(provider: ModelProvider): Promise<ModelInformation[]> {
  const models = await provider.listModels(AbortSignal.timeout(timeoutMs));
  return models.map((model) => ({ ...model, id: publicName(provider.name, model.id) }));
}
