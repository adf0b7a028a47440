import { setTimeout as sleep } from 'node:timers/promises';
import { DomainError, isDomainError } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { ModelRequest, ModelStreamEvent } from '../models.ts';
import { type ModelTarget, runAttempt } from './model-attempt.ts';
import { retryDelay } from './retry-delay.ts';

/** A model of the chain, and what of the call it gets. */
export interface ChainLink {
  target: ModelTarget;
  maxTokens: number;
}

export interface ChainOptions {
  links: readonly ChainLink[];
  attempts: number;
  retryBaseMs: number;
  firstByteTimeoutMs: number;
  idleTimeoutMs: number;
  onOpenChange: (change: 1 | -1) => void;
  log: Log;
}

/**
 * The models in order, each with its attempts, until one begins to answer; all within the deadline. Throws the last
 * model's `DomainError`, MODEL_TIMEOUT at the deadline, or the reason of the caller's abort.
 */
export async function* runChain(
  request: ModelRequest,
  options: ChainOptions & { abort: AbortController },
): AsyncGenerator<ModelStreamEvent, void> {
  const { abort, links } = options;
  const { deadlineAt, log = options.log } = request;
  const { isCancelled, unbind } = bind(abort, request);
  let failure: unknown;
  try {
    for (const [index, { target, maxTokens }] of links.entries()) {
      if (index > 0) log.warn({ model: target.name, code: codeOf(failure) }, 'falling back');
      const call = { ...request.call, model: target.model, maxTokens };
      const own = { target, call, deadlineAt, degraded: index > 0 };
      for (let attempt = 1, again = true; again; attempt += 1) {
        if (index > 0 || attempt > 1) yield { type: 'retry' };
        abort.signal.throwIfAborted();
        const end = yield* runAttempt({
          ...options,
          ...own,
          log,
          signal: abort.signal,
          isCancelled,
        });
        if (end.ok) return;
        abort.signal.throwIfAborted();
        // What this model failed of before tells more than that it is left alone since, perhaps by our own attempts.
        if (end.admitted || attempt === 1) failure = end.error;
        if (end.outputBegan) throw failure;
        again =
          end.admitted &&
          (await waitToRepeat({ failure, attempt, deadlineAt }, { ...options, log }));
      }
      if (!isTransient(failure)) break;
    }
  } finally {
    unbind();
  }
  throw failure;
}

/** Aborts with the caller and at the deadline. */
function bind(abort: AbortController, { signal, deadlineAt }: ModelRequest) {
  let cancelled = false;
  const cancel = () => {
    cancelled = !abort.signal.aborted;
    abort.abort(signal.reason);
  };
  if (signal.aborted) cancel();
  signal.addEventListener('abort', cancel, { once: true });
  let timer: NodeJS.Timeout;
  const arm = () => {
    timer = setTimeout(() => {
      // Whoever joined a shared call meanwhile may have more time.
      if (Date.now() < deadlineAt.getTime()) arm();
      else abort.abort(deadlinePassed());
    }, timerDelay(deadlineAt));
  };
  arm();
  return {
    isCancelled: () => cancelled,
    unbind() {
      clearTimeout(timer);
      signal.removeEventListener('abort', cancel);
    },
  };
}

interface FailedAttempt {
  failure: unknown;
  attempt: number;
  deadlineAt: Date;
}

/** Waits until the model may be called once more; false when it may not. */
async function waitToRepeat(
  { failure, attempt, deadlineAt }: FailedAttempt,
  { attempts, retryBaseMs, abort, log }: ChainOptions & { abort: AbortController },
): Promise<boolean> {
  if (attempt >= attempts || !mayRepeat(failure)) return false;
  const delayMs = retryDelay(failure, attempt, retryBaseMs);
  // The provider may ask for more patience than this run has: better to fall back, or to say so, at once.
  if (Date.now() + delayMs >= deadlineAt.getTime()) return false;
  log.info({ code: codeOf(failure), attempt, delayMs }, 'model attempt failed; trying again');
  await sleep(delayMs, undefined, { signal: abort.signal }).catch(() => {});
  return true;
}

const transientCodes = new Set([
  'MODEL_RATE_LIMITED',
  'MODEL_OVERLOADED',
  'MODEL_TIMEOUT',
  'MODEL_UNAVAILABLE',
]);

/** The model is overloaded, rate limited, timed out or down: another one may be better off. */
function isTransient(error: unknown): boolean {
  return isDomainError(error) && transientCodes.has(error.code);
}

const mayRepeat = (error: unknown): boolean =>
  isDomainError(error) && isTransient(error) && error.retryable;

/** Timers take 31 bits of milliseconds, and more would fire at once. */
const timerDelay = (at: Date): number =>
  Math.min(Math.max(0, at.getTime() - Date.now()), 2 ** 31 - 1);

const codeOf = (error: unknown): string => (isDomainError(error) ? error.code : 'unexpected');

function deadlinePassed(): DomainError<'MODEL_TIMEOUT'> {
  return new DomainError(
    'MODEL_TIMEOUT',
    'The time allowed for this run has passed. Allow more with timeoutMs, or ask for less.',
  );
}
