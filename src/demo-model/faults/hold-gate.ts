/** Ends a call whose client has gone away. */
export class CallAborted extends Error {
  constructor() {
    super('the client closed the connection');
  }
}

/**
 * Lets a test decide when calls continue: a hold stops every call before its first byte, a gate stops one call in
 * its stream. Waiting ends with {@link CallAborted} when the client leaves.
 */
export class HoldGate {
  readonly #holds = new Set<symbol>();
  readonly #held = new Set<() => void>();
  readonly #gated = new Set<() => void>();
  readonly #onChange: () => void;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Calls now waiting in their stream. */
  get gatedCalls(): number {
    return this.#gated.size;
  }

  get isHolding(): boolean {
    return this.#holds.size > 0;
  }

  /** Holds all calls before their first byte until the returned function is called. */
  hold(): () => void {
    const token = Symbol('hold');
    this.#holds.add(token);
    return () => {
      this.#holds.delete(token);
      if (!this.isHolding) for (const go of [...this.#held]) go();
    };
  }

  /** Ends every hold, and lets go every call that waits at a gate now. */
  release(): void {
    this.#holds.clear();
    for (const go of [...this.#held, ...this.#gated]) go();
  }

  async passHold(signal: AbortSignal): Promise<void> {
    while (this.isHolding) await this.#wait(this.#held, signal);
  }

  async passGate(signal: AbortSignal): Promise<void> {
    await this.#wait(this.#gated, signal);
  }

  #wait(waiting: Set<() => void>, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (finish: () => void) => {
        waiting.delete(go);
        signal.removeEventListener('abort', onAbort);
        this.#onChange();
        finish();
      };
      const go = () => leave(resolve);
      const onAbort = () => leave(() => reject(new CallAborted()));
      if (signal.aborted) {
        reject(new CallAborted());
        return;
      }
      signal.addEventListener('abort', onAbort);
      waiting.add(go);
      this.#onChange();
    });
  }
}

/** Resolves never; rejects with {@link CallAborted} when the client leaves. */
export function waitForAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(new CallAborted());
    signal.addEventListener('abort', () => reject(new CallAborted()), { once: true });
  });
}
