import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../kernel/log.ts';
import type { Ledger } from '../ledger/ledger.ts';

const minuteMs = 60_000;
/** Times as long as a step took: the past of a large database must not be rolled up at the expense of the present. */
const restShare = 2;

export interface RollUpsOptions {
  ledger: Pick<Ledger, 'rollUpUsage'>;
  log: Log;
  /** Default a minute. */
  intervalMs?: number;
}

export interface RollUps {
  /** Resolves when the step that is under way has ended; no other begins. */
  close(): Promise<void>;
}

/**
 * Rolls usage records up, step by step with a rest after each, until there is nothing to do, and looks again every minute.
 * Any number of servers may: one works at a time. A step that fails is logged, and tried again in a minute.
 */
export function startRollUps({ ledger, log, intervalMs = minuteMs }: RollUpsOptions): RollUps {
  const stop = new AbortController();
  const pass = async (): Promise<void> => {
    try {
      for (;;) {
        const started = performance.now();
        const worked = await ledger.rollUpUsage();
        if (!worked || stop.signal.aborted) return;
        await delay(restShare * (performance.now() - started), null, { signal: stop.signal });
      }
    } catch (error) {
      if (!stop.signal.aborted) log.warn({ err: error }, 'usage records could not be rolled up');
    }
  };
  let passing: Promise<void> | null = null;
  const timer = setInterval(() => {
    passing ??= pass().finally(() => {
      passing = null;
    });
  }, intervalMs);
  timer.unref();
  return {
    async close() {
      clearInterval(timer);
      stop.abort();
      await passing;
    },
  };
}
