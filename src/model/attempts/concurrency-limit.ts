import { DomainError } from '../../kernel/errors.ts';
import { createFairQueue, type FairQueue } from './fair-queue.ts';

export interface ConcurrencyLimit {
  /**
   * Waits for a free place and resolves with the function that gives it back (once; further calls do nothing).
   * Users take turns: each place that becomes free goes to another of those who wait. Rejects at once with
   * MODEL_OVERLOADED when the queue, or this user's half of it, is full, and with `signal.reason` when the signal aborts.
   */
  acquire(signal: AbortSignal, user?: string): Promise<() => void>;
  readonly active: number;
  readonly queued: number;
}

/** The share of the waiting places that one user may take, so that others find some. */
const maxShareOfQueue = 0.5;

/**
 * At most `concurrency` calls at a time and `queue` waiting for them. Not cockatiel's bulkhead: there a waiting call whose
 * caller left keeps its place in the queue until its turn comes.
 */
export function createConcurrencyLimit(concurrency: number, queue: number): ConcurrencyLimit {
  const waiting = createFairQueue<() => void>();
  const maxOfUser = Math.max(1, Math.floor(queue * maxShareOfQueue));
  let active = 0;
  const take = (): (() => void) => {
    active += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      active -= 1;
      waiting.take()?.();
    };
  };
  return {
    get active() {
      return active;
    },
    get queued() {
      return waiting.size;
    },
    async acquire(signal, user = '') {
      signal.throwIfAborted();
      if (active < concurrency) return take();
      if (waiting.size >= queue || waiting.sizeOf(user) >= maxOfUser) throw overloaded(concurrency);
      return turnOf(waiting, { signal, user, take });
    },
  };
}

interface Turn {
  signal: AbortSignal;
  user: string;
  take(): () => void;
}

function turnOf(waiting: FairQueue<() => void>, { signal, user, take }: Turn) {
  const { promise, resolve, reject } = Promise.withResolvers<() => void>();
  const leave = () => {
    waiting.remove(user, enter);
    reject(signal.reason);
  };
  const enter = () => {
    signal.removeEventListener('abort', leave);
    // Within the call that frees the place, before anybody else can take it.
    resolve(take());
  };
  waiting.add(user, enter);
  signal.addEventListener('abort', leave, { once: true });
  return promise;
}

function overloaded(concurrency: number): DomainError<'MODEL_OVERLOADED'> {
  return new DomainError(
    'MODEL_OVERLOADED',
    `This server already makes ${concurrency} model calls and more are waiting. Try again shortly.`,
  );
}
