import { DomainError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { ModelProvider } from '../kernel/model.ts';
import type { Prices } from '../kernel/prices.ts';
import { ConcurrencyLimit } from './attempts/concurrency-limit.ts';
import type { ModelTarget } from './attempts/model-attempt.ts';
import type { BreakerState } from './attempts/model-breaker.ts';
import { ModelBreakers } from './attempts/model-breakers.ts';
import { type ChainLink, runChain } from './attempts/model-chain.ts';
import { defaultRetryBaseMs } from './attempts/retry-delay.ts';
import { createModelDirectory } from './model-directory.ts';
import { type ProviderModel, readModelName } from './model-name.ts';
import type { ModelName, Models, ProviderStatus } from './models.ts';
import { sentCall } from './sent-call.ts';

export interface ModelLimits {
  /** Calls in flight for each provider. Default 1,000. */
  concurrency?: number;
  /** Calls waiting for a place, for each provider; beyond them MODEL_OVERLOADED. Default 1,000. */
  queue?: number;
  /** Silence in the middle of an answer. Default 30 s. */
  idleTimeoutMs?: number;
  /** Silence before it. Default 60 s. */
  firstByteTimeoutMs?: number;
  /** Calls of one model in all, the first included. Default 3. */
  attempts?: number;
  /** Delay before the second call, doubled for each further one, jittered. Default 500 ms. */
  retryBaseMs?: number;
  /** Failed calls in a row that open a model's circuit. Default 5. */
  breakerThreshold?: number;
  /** Default 15 s. */
  breakerHalfOpenAfterMs?: number;
}

export interface ModelsOptions {
  /** Each with a name of its own. */
  providers: readonly ModelProvider[];
  prices: Prices;
  defaultModel: string;
  log: Log;
  limits?: ModelLimits;
  onBreakerChange?: (model: ModelName, state: BreakerState) => void;
}

/** Counting spares a refusal; a caller that is refused should not wait long for it. */
const countPatienceMs = 2_000;

const defaults: Required<ModelLimits> = {
  concurrency: 1_000,
  queue: 1_000,
  idleTimeoutMs: 30_000,
  firstByteTimeoutMs: 60_000,
  attempts: 3,
  retryBaseMs: defaultRetryBaseMs,
  breakerThreshold: 5,
  breakerHalfOpenAfterMs: 15_000,
};

/** The providers of this server with all that guards them. See `Models` for what its functions promise. */
export function createModels(options: ModelsOptions): Models {
  const { defaultModel, prices, log, providers } = options;
  const limits = { ...defaults, ...options.limits };
  const directory = createModelDirectory({ providers, prices, log });
  const targets = createTargets(options, limits);
  const { read } = targets;
  let open = 0;
  const onOpenChange = (change: 1 | -1) => {
    open += change;
  };
  const linkOf = (name: ModelName, maxTokens: number): ChainLink => {
    const target = targets.of(name);
    const most = directory.find(target.name)?.maxOutputTokens ?? maxTokens;
    return { target, maxTokens: Math.min(maxTokens, most) };
  };
  return {
    resolve: (name) => read(name ?? defaultModel).name,
    identityOf(name) {
      const { provider } = read(name);
      return provider.identity ?? provider.name;
    },
    async call(request, sink) {
      const links = request.chain.map((name) => linkOf(name, request.call.maxTokens));
      return runChain(request, { ...limits, links, onOpenChange, log }, sink);
    },
    estimateInputTokens(call, chain) {
      const estimates = chain
        .map(read)
        .map(({ provider, model }) => provider.estimateInputTokens({ ...call, model }));
      return Math.max(...estimates);
    },
    countInputTokens: (call, chain, signal) => {
      const within = AbortSignal.any([signal, AbortSignal.timeout(countPatienceMs)]);
      const counts = chain.map(read).map(async ({ provider, model }) => {
        if (!provider.countInputTokens) return null;
        return provider.countInputTokens(sentCall({ ...call, model }, provider.name).call, within);
      });
      return Promise.all(counts).then(
        (tokens) => (tokens.every((count) => count !== null) ? Math.max(...tokens) : null),
        (error: unknown) => {
          log.info({ err: error }, 'the input tokens of a call could not be counted');
          return null;
        },
      );
    },
    information: (name) => directory.find(name),
    list: () => directory.list(),
    status: () => targets.status(),
    openCalls: () => open,
    async close() {
      await Promise.all(providers.map((provider) => provider.close?.()));
    },
  };
}

function createTargets(options: ModelsOptions, limits: Required<ModelLimits>) {
  const providers = new Map(options.providers.map((provider) => [provider.name, provider]));
  const places = new Map(
    options.providers.map(({ name }) => [
      name,
      new ConcurrencyLimit(limits.concurrency, limits.queue),
    ]),
  );
  const breakers = new ModelBreakers({
    threshold: limits.breakerThreshold,
    halfOpenAfterMs: limits.breakerHalfOpenAfterMs,
    onChange(model, state) {
      options.log.warn({ model, state }, 'circuit breaker changed');
      options.onBreakerChange?.(model, state);
    },
  });
  const isKnown = (name: ModelName) => options.prices.priceOf(name, new Date()) !== null;
  const read = (name: string): ProviderModel => {
    const found = readModelName(name, { providers, isKnown });
    if (found) return found;
    const known = [...providers.keys()].map((prefix) => `${prefix}/…`).join(', ');
    const message = `This server has no provider for the model ${JSON.stringify(name.slice(0, 100))}. Models are named ${known}; anthropic/ may be left out.`;
    throw new DomainError('MODEL_NOT_FOUND', message);
  };
  return {
    read,
    of(name: string): ModelTarget {
      const { provider, model, name: publicName } = read(name);
      const limit = places.get(provider.name)!;
      return { provider, model, name: publicName, breaker: breakers.of(publicName), limit };
    },
    status: (): ProviderStatus[] => [
      ...[...places].map(([name, { queued }]) => ({
        name,
        model: null,
        breaker: 'closed' as const,
        queued,
      })),
      ...breakers.states().map(({ model, state }) => ({
        name: read(model).provider.name,
        model,
        breaker: state,
        queued: 0,
      })),
    ],
  };
}
