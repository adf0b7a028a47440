import { DomainError } from '../../kernel/errors.ts';
import { FairQueue } from './fair-queue.ts';

/** The share of the waiting places that one user may take, so that others find some. */
const maxShareOfQueue = 0.5;

/**
 * At most `concurrency` calls at a time and `queue` waiting for them. Not cockatiel's bulkhead: there a waiting call whose
 * caller left keeps its place in the queue until its turn comes.
 */
export class ConcurrencyLimit {
  readonly #concurrency: number;
  readonly #queue: number;
  readonly #maxOfUser: number;
  readonly #waiting = new FairQueue<() => void>();
  #active = 0;

  constructor(concurrency: number, queue: number) {
    this.#concurrency = concurrency;
    this.#queue = queue;
    this.#maxOfUser = Math.max(1, Math.floor(queue * maxShareOfQueue));
  }

  get queued(): number {
    return this.#waiting.size;
  }

  /**
   * Waits for a free place and resolves with the function that gives it back (once; further calls do nothing).
   * Users take turns: each place that becomes free goes to another of those who wait. Rejects at once with
   * MODEL_OVERLOADED when the queue, or this user's half of it, is full, and with `signal.reason` when the signal aborts.
   */
  async acquire(signal: AbortSignal, user = ''): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#active < this.#concurrency) return this.#take();
    const isFull = this.#waiting.size >= this.#queue;
    if (isFull || this.#waiting.sizeOf(user) >= this.#maxOfUser)
      throw overloaded(this.#concurrency);
    return this.#turn(signal, user);
  }

  #take(): () => void {
    this.#active += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#active -= 1;
      this.#waiting.take()?.();
    };
  }

  #turn(signal: AbortSignal, user: string): Promise<() => void> {
    const { promise, resolve, reject } = Promise.withResolvers<() => void>();
    const leave = () => {
      this.#waiting.remove(user, enter);
      reject(signal.reason);
    };
    const enter = () => {
      signal.removeEventListener('abort', leave);
      // Within the call that frees the place, before anybody else can take it.
      resolve(this.#take());
    };
    this.#waiting.add(user, enter);
    signal.addEventListener('abort', leave, { once: true });
    return promise;
  }
}

function overloaded(concurrency: number): DomainError<'MODEL_OVERLOADED'> {
  return new DomainError(
    'MODEL_OVERLOADED',
    `This server already makes ${concurrency} model calls and more are waiting. Try again shortly.`,
  );
}
