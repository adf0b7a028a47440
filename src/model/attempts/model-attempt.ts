import { DomainError, isDomainError } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { ModelCall, ModelEvent, ModelProvider } from '../../kernel/model.ts';
import type { ModelName, ModelStreamEvent } from '../models.ts';
import { providerError } from '../providers/provider-error.ts';
import { AttemptProgress } from './attempt-progress.ts';
import type { ConcurrencyLimit } from './concurrency-limit.ts';
import { createIdleWatchdog, type IdleWatchdog } from './idle-watchdog.ts';
import type { BreakerPass, ModelBreaker } from './model-breaker.ts';

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
  /** Aborted by the caller or the deadline: then this attempt ends. */
  signal: AbortSignal;
  deadlineAt: Date;
  /** Whether the signal's abort was the caller's own. */
  isCancelled: () => boolean;
  degraded: boolean;
  firstByteTimeoutMs: number;
  idleTimeoutMs: number;
  /** Told when the provider's stream is opened (+1) and closed (-1). */
  onOpenChange: (change: 1 | -1) => void;
  log: Log;
}

/** How an attempt ended. Nothing may follow one whose output began; nothing is gained by repeating one not let in. */
export type AttemptEnd =
  | { ok: true }
  | { ok: false; error: unknown; outputBegan: boolean; admitted: boolean };

/** When `finish` came, this long is waited for the response's end, so that its connection can be used again. */
const drainTimeoutMs = 1_000;

/**
 * One attempt of one model: a place under the provider's limit, the breaker's leave, the stream under its watchdog.
 * Yields nothing of the answer before output begins (so another attempt may follow unnoticed), and the report last.
 * Returns its end, and throws nothing.
 */
export async function* runAttempt(
  options: AttemptOptions,
): AsyncGenerator<ModelStreamEvent, AttemptEnd> {
  const { target, call, deadlineAt, log } = options;
  const entered = await enter(options);
  if ('error' in entered) {
    return { ok: false, error: entered.error, outputBegan: false, admitted: false };
  }
  const { progress, pass, watchdog, signal, leave } = entered;
  const onActivity = () => watchdog.touch();
  const held: ModelEvent[] = [];
  let failure: unknown;
  try {
    // Every layer of generators costs each token about half a microsecond: this loop is written out here.
    for await (const event of target.provider.stream(call, {
      signal,
      deadlineAt,
      onActivity,
      log,
    })) {
      watchdog.pause();
      const isOutput = progress.note(event);
      if (progress.outputBegan) yield event;
      else if (!isOutput) held.push(named(event, target.name));
      else {
        progress.begin();
        // A probe has told enough: others need not wait for the end of a long answer.
        if (pass.probing) pass.succeed();
        yield* held;
        yield event;
      }
      watchdog.touch();
      if (event.type === 'finish') watchdog.shortenTo(drainTimeoutMs);
    }
    if (!progress.finished) failure = brokenOff(target);
  } catch (error) {
    failure = signal.aborted ? signal.reason : error;
  } finally {
    leave(failure);
  }
  const attempt = progress.report(options.isCancelled());
  yield { type: 'attempt', attempt, degraded: options.degraded };
  if (progress.finished) return { ok: true };
  return { ok: false, error: failure, outputBegan: progress.generated, admitted: true };
}

interface Entered {
  progress: AttemptProgress;
  pass: BreakerPass;
  watchdog: IdleWatchdog;
  /** The attempt's own: aborted with the caller's, or by the watchdog. */
  signal: AbortSignal;
  /** To be called once, with what went wrong if anything did. */
  leave: (failure: unknown) => void;
}

async function enter(options: AttemptOptions): Promise<Entered | { error: unknown }> {
  const { target, call, signal, firstByteTimeoutMs, idleTimeoutMs } = options;
  // Before it waits for a place: an open circuit sends to the fallback at once.
  if (target.breaker.rejects) return { error: circuitOpen(target.name) };
  let release: () => void;
  try {
    release = await target.limit.acquire(signal);
  } catch (error) {
    return { error };
  }
  const pass = target.breaker.enter();
  if (!pass) {
    release();
    return { error: circuitOpen(target.name) };
  }
  const progress = new AttemptProgress({ ...target, call });
  const own = new AbortController();
  const stop = () => own.abort(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const onIdle = () => own.abort(silent(target.name));
  const watchdog = createIdleWatchdog({ firstByteTimeoutMs, idleTimeoutMs, onIdle });
  options.onOpenChange(1);
  const leave = (failure: unknown) => {
    watchdog.stop();
    signal.removeEventListener('abort', stop);
    options.onOpenChange(-1);
    release();
    if (progress.finished) pass.succeed();
    else if (!signal.aborted && failure !== undefined && isFaultOfModel(failure)) pass.fail();
    else pass.ignore();
  };
  return { progress, pass, watchdog, signal: own.signal, leave };
}

const named = (event: ModelEvent, model: ModelName): ModelEvent =>
  event.type === 'start' ? { ...event, model } : event;

const brokenOff = ({ provider, model }: ModelTarget): DomainError =>
  providerError({ kind: 'broken_stream', provider: provider.name, model });

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
