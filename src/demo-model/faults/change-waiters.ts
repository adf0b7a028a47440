interface Waiter {
  holds: () => boolean;
  resolve: () => void;
}

/** Promises that resolve the moment a condition holds, looked at after every change. */
export class ChangeWaiters {
  readonly #waiting = new Set<Waiter>();

  changed(): void {
    for (const waiter of [...this.#waiting]) if (waiter.holds()) waiter.resolve();
  }

  /** Rejects after `timeoutMs`, saying what was waited for. */
  async until(
    holds: () => boolean,
    { timeoutMs, describe }: { timeoutMs: number; describe: () => string },
  ): Promise<void> {
    if (holds()) return;
    await new Promise<void>((resolve, reject) => {
      const finish = (settle: () => void) => {
        clearTimeout(timer);
        this.#waiting.delete(waiter);
        settle();
      };
      const waiter: Waiter = { holds, resolve: () => finish(resolve) };
      const timer = setTimeout(
        () => finish(() => reject(new Error(`waited ${timeoutMs} ms for ${describe()}`))),
        timeoutMs,
      );
      this.#waiting.add(waiter);
    });
  }
}
