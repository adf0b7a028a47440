/** Operations that have begun and not yet been told to their end. */
export class OperationsInFlight {
  readonly #operations = new Set<object>();
  #waiting: (() => void)[] = [];

  begin(operation: object): void {
    this.#operations.add(operation);
  }

  end(operation: object): void {
    this.#operations.delete(operation);
    if (this.#operations.size > 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Resolves when there are none, or after `withinMs`. */
  async idle(withinMs: number): Promise<void> {
    if (this.#operations.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
