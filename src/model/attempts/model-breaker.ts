import {
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleType,
} from 'cockatiel';

export interface BreakerOptions {
  /** Failed attempts in a row that open it. */
  threshold: number;
  /** Milliseconds until one attempt may try whether the model is back. */
  halfOpenAfterMs: number;
  onChange?: (state: BreakerState) => void;
}

export type BreakerState = 'closed' | 'open' | 'half-open';

/** One attempt's leave to pass. Exactly the first call of its three functions counts. */
export interface BreakerPass {
  /** This attempt alone decides whether the circuit closes again. */
  probing: boolean;
  succeed(): void;
  fail(): void;
  /** The attempt says nothing about the model: it was given up, or refused for its own faults. */
  ignore(): void;
}

class CountedFailure extends Error {}
class Ignored extends Error {}

/** Cockatiel's circuit breaker for attempts that end long after they were let in. */
export class ModelBreaker {
  readonly #policy: CircuitBreakerPolicy;
  #openUntil = 0;

  constructor({ threshold, halfOpenAfterMs, onChange }: BreakerOptions) {
    this.#policy = circuitBreaker(handleType(CountedFailure), {
      halfOpenAfter: halfOpenAfterMs,
      breaker: new ConsecutiveBreaker(threshold),
    });
    this.#policy.onStateChange((state) => {
      if (state === CircuitState.Open) this.#openUntil = Date.now() + halfOpenAfterMs;
      onChange?.(nameOf(state));
    });
  }

  get state(): BreakerState {
    return nameOf(this.#policy.state);
  }

  /** Whether `enter` would give null now. */
  get rejects(): boolean {
    const { state } = this.#policy;
    if (state === CircuitState.Open) return Date.now() < this.#openUntil;
    // Cockatiel would let further attempts wait for the probe's outcome; they have a fallback to go to.
    return state === CircuitState.HalfOpen;
  }

  /** Null while the circuit is open, or while another attempt is trying. */
  enter(): BreakerPass | null {
    return enter(this.#policy);
  }
}

function enter(policy: CircuitBreakerPolicy): BreakerPass | null {
  if (policy.state === CircuitState.HalfOpen) return null;
  const outcome = Promise.withResolvers<void>();
  let entered = false;
  const settled = policy.execute(() => {
    entered = true;
    return outcome.promise;
  });
  settled.catch(() => {});
  // `execute` calls its function at once or, the circuit being open, never.
  if (!entered) return null;
  // The state only shows a probe: a closed circuit stays closed when it lets somebody in.
  const probing = (policy.state as CircuitState) === CircuitState.HalfOpen;
  return {
    probing,
    succeed: () => outcome.resolve(),
    fail: () => outcome.reject(new CountedFailure()),
    // A probe that tells nothing must not close the circuit, as an unhandled error would.
    ignore: () => outcome.reject(probing ? new CountedFailure() : new Ignored()),
  };
}

function nameOf(state: CircuitState): BreakerState {
  if (state === CircuitState.Closed) return 'closed';
  return state === CircuitState.HalfOpen ? 'half-open' : 'open';
}
