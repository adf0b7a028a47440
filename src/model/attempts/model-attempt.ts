import { DomainError, isDomainError } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type {
  ModelCall,
  ModelFinish,
  ModelProvider,
  ModelSink,
  ModelUsage,
} from '../../kernel/model.ts';
import type { AttemptReport, ModelName } from '../models.ts';
import { sentCall } from '../sent-call.ts';
import { AttemptProgress } from './attempt-progress.ts';
import { callProvider } from './call-provider.ts';
import type { ConcurrencyLimit } from './concurrency-limit.ts';
import { IdleWatchdog } from './idle-watchdog.ts';
import type { ModelBreaker } from './model-breaker.ts';

/** A model with everything that guards it. */
export interface ModelTarget {
  provider: ModelProvider;
  /** As the provider knows it. */
  model: string;
  name: ModelName;
  breaker: ModelBreaker;
  limit: ConcurrencyLimit;
}

export interface AttemptOptions {
  target: ModelTarget;
  call: ModelCall;
  sink: ModelSink;
  /** Aborted by the caller or the deadline: then this attempt ends. */
  signal: AbortSignal;
  deadlineAt: Date;
  /** The user who is called for. */
  userId?: string | undefined;
  /** Whether the signal's abort was the caller's own. */
  isCancelled: () => boolean;
  degraded: boolean;
  firstByteTimeoutMs: number;
  idleTimeoutMs: number;
  onUsage?: ((usage: ModelUsage) => void) | undefined;
  /** Called when the provider's stream is opened (+1) and closed (-1). */
  onOpenChange: (change: 1 | -1) => void;
  log: Log;
}

/**
 * How an attempt ended. Nothing may follow one whose output began; nothing is gained by repeating one that was not
 * admitted, which has no report either.
 */
export type AttemptEnd =
  | { ok: true; answer: ModelFinish; report: AttemptReport }
  | { ok: false; error: unknown; outputBegan: boolean; report: AttemptReport | null };

/** When the answer is whole, this long is waited for the response's end, so that its connection can be used again. */
const drainTimeoutMs = 1_000;

/** One attempt of one model: a place under the provider's limit, the breaker's pass, the call under its watchdog. */
export async function runAttempt(options: AttemptOptions): Promise<AttemptEnd> {
  const { target, call, deadlineAt, log } = options;
  const entered = await enter(options);
  if ('error' in entered) {
    return { ok: false, error: entered.error, outputBegan: false, report: null };
  }
  const { progress, watchdog, signal, leave } = entered;
  const sent = sentCall(call, target.provider.name);
  const onActivity = () => watchdog.touch();
  let error: unknown;
  try {
    const { provider } = target;
    await callProvider(
      { provider, call: sent.call, options: { signal, deadlineAt, onActivity, log } },
      progress,
    );
  } catch (thrown) {
    error = signal.aborted ? signal.reason : thrown;
  }
  leave(error);
  const report = progress.report(options.isCancelled());
  const { answer, generated } = progress;
  if (answer) {
    const message = sent.kept(answer.message);
    return { ok: true, answer: { ...answer, message }, report };
  }
  return { ok: false, error, outputBegan: generated, report };
}

interface Entered {
  progress: AttemptProgress;
  watchdog: IdleWatchdog;
  /** The attempt's own: aborted with the caller's, or by the watchdog. */
  signal: AbortSignal;
  /** To be called once, with the error if there was one. */
  leave: (error: unknown) => void;
}

async function enter(options: AttemptOptions): Promise<Entered | { error: unknown }> {
  const { target, signal, firstByteTimeoutMs, idleTimeoutMs } = options;
  // Before it waits for a place: an open circuit sends to the fallback at once.
  if (target.breaker.rejects) return { error: circuitOpen(target.name) };
  let release: () => void;
  try {
    release = await target.limit.acquire(signal, options.userId);
  } catch (error) {
    return { error };
  }
  const pass = target.breaker.enter();
  if (!pass) {
    release();
    return { error: circuitOpen(target.name) };
  }
  const own = new AbortController();
  const stop = () => own.abort(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const onIdle = () => own.abort(silent(target.name));
  const watchdog = new IdleWatchdog({ firstByteTimeoutMs, idleTimeoutMs, onIdle });
  const progress = new AttemptProgress({
    ...options,
    ...target,
    // A probe has shown enough: others need not wait for the end of a long answer.
    onOutput: () => pass.probing && pass.succeed(),
    onFinish: () => watchdog.shortenTo(drainTimeoutMs),
  });
  options.onOpenChange(1);
  const leave = (error: unknown) => {
    progress.close();
    watchdog.stop();
    signal.removeEventListener('abort', stop);
    options.onOpenChange(-1);
    release();
    if (progress.answer) pass.succeed();
    else if (!signal.aborted && isFaultOfModel(error)) pass.fail();
    else pass.ignore();
  };
  return { progress, watchdog, signal: own.signal, leave };
}

const faults = new Set(['MODEL_OVERLOADED', 'MODEL_TIMEOUT', 'MODEL_UNAVAILABLE']);

/** What speaks against the model itself; a refused request, key or rate does not. */
function isFaultOfModel(error: unknown): boolean {
  return !isDomainError(error) || (error.retryable && faults.has(error.code));
}

function silent(name: ModelName): DomainError<'MODEL_TIMEOUT'> {
  return new DomainError('MODEL_TIMEOUT', `${name} fell silent and was given up. Try again later.`);
}

function circuitOpen(name: ModelName): DomainError<'MODEL_UNAVAILABLE'> {
  return new DomainError(
    'MODEL_UNAVAILABLE',
    `${name} has failed several times in a row and is left alone for a while. Try again shortly, or name a fallback model.`,
  );
}
