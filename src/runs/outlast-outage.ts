import { setTimeout as delay } from 'node:timers/promises';
import { isLasting } from '../ledger/database-trouble.ts';

const firstPauseMs = 250;
const lastPauseMs = 2_000;

/**
 * Reads again until the database answers: its outage is no reason to end a run. Rejects with what the statement itself is
 * at fault for, or with `signal.reason`.
 */
export async function outlastOutage<Result>(
  read: () => Promise<Result>,
  signal: AbortSignal,
): Promise<Result> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, lastPauseMs)) {
    try {
      return await read();
    } catch (error) {
      if (isLasting(error)) throw error;
    }
    await delay(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}
