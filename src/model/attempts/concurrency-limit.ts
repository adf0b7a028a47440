import { DomainError } from '../../kernel/errors.ts';

export interface ConcurrencyLimit {
  /**
   * Waits for a free place and resolves with the function that gives it back (once; further calls do nothing).
   * Rejects at once with MODEL_OVERLOADED when the queue is full, with `signal.reason` as soon as the signal aborts.
   */
  acquire(signal: AbortSignal): Promise<() => void>;
  readonly active: number;
  readonly queued: number;
}

/**
 * So many calls at a time, and so many waiting for them, first come first served. Not cockatiel's bulkhead: there a
 * waiting call whose caller left keeps its place in the queue until its turn comes.
 */
export function createConcurrencyLimit(concurrency: number, queue: number): ConcurrencyLimit {
  const waiting = new Set<() => void>();
  let active = 0;
  const free = () => {
    active -= 1;
    const next = waiting.values().next();
    if (!next.done) next.value();
  };
  const take = (): (() => void) => {
    active += 1;
    let held = true;
    return () => {
      if (held) free();
      held = false;
    };
  };
  return {
    get active() {
      return active;
    },
    get queued() {
      return waiting.size;
    },
    async acquire(signal) {
      signal.throwIfAborted();
      if (active < concurrency) return take();
      if (waiting.size >= queue) throw overloaded(concurrency);
      return waitForTurn(waiting, { signal, take });
    },
  };
}

function waitForTurn(
  waiting: Set<() => void>,
  { signal, take }: { signal: AbortSignal; take: () => () => void },
): Promise<() => void> {
  const { promise, resolve, reject } = Promise.withResolvers<() => void>();
  const leave = () => {
    waiting.delete(enter);
    reject(signal.reason);
  };
  const enter = () => {
    waiting.delete(enter);
    signal.removeEventListener('abort', leave);
    resolve(take());
  };
  waiting.add(enter);
  signal.addEventListener('abort', leave, { once: true });
  return promise;
}

function overloaded(concurrency: number): DomainError<'MODEL_OVERLOADED'> {
  return new DomainError(
    'MODEL_OVERLOADED',
    `This server already makes ${concurrency} model calls and more are waiting. Try again shortly.`,
  );
}
