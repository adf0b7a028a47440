import type { ModelName } from '../models.ts';
import {
  type BreakerOptions,
  type BreakerState,
  createModelBreaker,
  type ModelBreaker,
} from './model-breaker.ts';

export interface ModelBreakers {
  /** The model's own breaker, made on first use. */
  of(model: ModelName): ModelBreaker;
  states(): { model: ModelName; state: BreakerState }[];
}

/** More models than anyone uses: names come from callers, and each has a breaker. */
const maxBreakers = 1_000;

/** One circuit breaker for each model; of too many models the longest unused is forgotten. */
export function createModelBreakers(
  options: Omit<BreakerOptions, 'onChange'> & {
    onChange: (model: ModelName, state: BreakerState) => void;
  },
): ModelBreakers {
  const breakers = new Map<ModelName, ModelBreaker>();
  const create = (model: ModelName): ModelBreaker =>
    createModelBreaker({ ...options, onChange: (state) => options.onChange(model, state) });
  return {
    of(model) {
      const breaker = breakers.get(model) ?? create(model);
      breakers.delete(model);
      breakers.set(model, breaker);
      const [oldest] = breakers.keys();
      if (breakers.size > maxBreakers && oldest !== undefined) breakers.delete(oldest);
      return breaker;
    },
    states: () => [...breakers].map(([model, { state }]) => ({ model, state })),
  };
}
