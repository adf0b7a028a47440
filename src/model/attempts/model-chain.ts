import { setTimeout as sleep } from 'node:timers/promises';
import { DomainError, isDomainError } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { ModelFinish, ModelSink } from '../../kernel/model.ts';
import type { AttemptReport, ModelAnswer, ModelRequest } from '../models.ts';
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
 * The models in order, each with its attempts, until one begins to answer; all within the deadline. Rejects with the
 * last model's `DomainError`, MODEL_TIMEOUT at the deadline, or the reason of the caller's abort.
 */
export async function runChain(
  request: ModelRequest,
  options: ChainOptions,
  sink: ModelSink,
): Promise<ModelAnswer> {
  const { links, log: ownLog } = options;
  const { signal, isCancelled, unbind } = bindSignal(request);
  const { log = ownLog } = request;
  let failure: unknown;
  try {
    for (const [index, link] of links.entries()) {
      if (index > 0) log.warn({ model: link.target.name, code: codeOf(failure) }, 'falling back');
      const end = await runLink(link, {
        ...options,
        request,
        sink,
        signal,
        isCancelled,
        degraded: index > 0,
        log,
      });
      if ('answer' in end) return end.answer;
      failure = end.failure;
      if (!isTransient(failure)) break;
    }
  } finally {
    unbind();
  }
  throw failure;
}

interface LinkOptions extends ChainOptions {
  request: ModelRequest;
  sink: ModelSink;
  signal: AbortSignal;
  isCancelled: () => boolean;
  degraded: boolean;
}

/** One model's attempts. Resolves with the failure after which another model may be tried; rejects where none may. */
async function runLink(
  { target, maxTokens }: ChainLink,
  options: LinkOptions,
): Promise<{ answer: ModelAnswer } | { failure: unknown }> {
  const { request, degraded, signal } = options;
  const { deadlineAt, userId, onUsage, onRetry, onAttempt } = request;
  const call = { ...request.call, model: target.model, maxTokens };
  let failure: unknown;
  for (let attempt = 1; ; attempt += 1) {
    if (degraded || attempt > 1) await onRetry?.();
    signal.throwIfAborted();
    const end = await runAttempt({ ...options, target, call, deadlineAt, userId, onUsage });
    const { report } = end;
    if (report) await onAttempt?.(report);
    if (end.ok) return { answer: answerOf(end.answer, end.report) };
    signal.throwIfAborted();
    // What this model failed of before says more than that it is left alone since, perhaps by our own attempts.
    if (report || attempt === 1) failure = end.error;
    if (end.outputBegan) throw failure;
    if (!report || !(await waitToRepeat({ failure, attempt, deadlineAt }, options))) {
      return { failure };
    }
  }
}

function answerOf(
  { stopReason, message, refusal }: ModelFinish,
  { model, provider, degraded, timeToFirstTokenMs }: AttemptReport,
): ModelAnswer {
  const ended = { stopReason, message, refusal: refusal ?? null };
  return { model, provider, ...ended, degraded, timeToFirstTokenMs };
}

/** Aborts with the caller and at the deadline. */
function bindSignal({ signal, deadlineAt }: ModelRequest) {
  const abort = new AbortController();
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
    signal: abort.signal,
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
  { attempts, retryBaseMs, signal, log }: LinkOptions,
): Promise<boolean> {
  if (attempt >= attempts || !mayRepeat(failure)) return false;
  const delayMs = retryDelay(failure, attempt, retryBaseMs);
  // The provider may ask for more patience than this run has: better to fall back, or to say so, at once.
  if (Date.now() + delayMs >= deadlineAt.getTime()) return false;
  log.info({ code: codeOf(failure), attempt, delayMs }, 'model attempt failed; trying again');
  await sleep(delayMs, undefined, { signal }).catch(() => {});
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
