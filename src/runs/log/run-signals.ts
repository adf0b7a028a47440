import type { Signals } from '../../data/signals.ts';

/** Wakes the readers of runs that another server has written to: one look at each signal, however many read. */
export class RunSignals {
  readonly #listeners = new Map<string, Set<() => void>>();

  constructor(signals: Signals) {
    signals.subscribe('run', (key) => {
      if (this.#listeners.size === 0) return;
      const runIds = key === '*' ? this.#listeners.keys() : key.split(',');
      for (const runId of runIds) for (const wake of this.#listeners.get(runId) ?? []) wake();
    });
  }

  /** Calls back whenever more of the run may be stored. Returns the unsubscribe function. */
  listen(runId: string, wake: () => void): () => void {
    const wakes = this.#listeners.get(runId) ?? new Set();
    this.#listeners.set(runId, wakes.add(wake));
    return () => {
      wakes.delete(wake);
      if (wakes.size === 0 && this.#listeners.get(runId) === wakes) this.#listeners.delete(runId);
    };
  }
}
