import type { ModelName } from '../models.ts';
import { type BreakerOptions, type BreakerState, ModelBreaker } from './model-breaker.ts';

/** More models than anyone uses: names come from callers, and each has a breaker. */
const maxBreakers = 1_000;

interface ModelBreakersOptions extends Omit<BreakerOptions, 'onChange'> {
  onChange: (model: ModelName, state: BreakerState) => void;
}

/** One circuit breaker for each model; of too many models the longest unused is forgotten. */
export class ModelBreakers {
  readonly #options: ModelBreakersOptions;
  readonly #breakers = new Map<ModelName, ModelBreaker>();

  constructor(options: ModelBreakersOptions) {
    this.#options = options;
  }

  /** The model's own breaker, made on first use. */
  of(model: ModelName): ModelBreaker {
    const breaker = this.#breakers.get(model) ?? this.#create(model);
    this.#breakers.delete(model);
    this.#breakers.set(model, breaker);
    const [oldest] = this.#breakers.keys();
    if (this.#breakers.size > maxBreakers && oldest !== undefined) this.#breakers.delete(oldest);
    return breaker;
  }

  states(): { model: ModelName; state: BreakerState }[] {
    return [...this.#breakers].map(([model, { state }]) => ({ model, state }));
  }

  #create(model: ModelName): ModelBreaker {
    const { onChange, ...options } = this.#options;
    return new ModelBreaker({ ...options, onChange: (state) => onChange(model, state) });
  }
}
