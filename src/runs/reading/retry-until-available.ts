import { setTimeout as delay } from 'node:timers/promises';
import { isPermanent } from '../../ledger/database-errors.ts';

const initialBackoffMs = 250;
const lastPauseMs = 2_000;

interface OutageOptions {
  /** Ends the wait for the database. */
  signal?: AbortSignal | undefined;
  /** May what failed succeed later? Default: unless the statement is at fault. */
  mayPass?: ((error: unknown) => boolean) | undefined;
}

/**
 * Reads again until the database answers: its outage is no reason to end a run, or a stream. Rejects with an error that
 * may not pass, or with `signal.reason`.
 */
export async function retryUntilAvailable<Result>(
  read: () => Promise<Result>,
  { signal, mayPass = (error) => !isPermanent(error) }: OutageOptions,
): Promise<Result> {
  for (let pauseMs = initialBackoffMs; ; pauseMs = Math.min(2 * pauseMs, lastPauseMs)) {
    try {
      return await read();
    } catch (error) {
      if (!mayPass(error)) throw error;
    }
    await delay(pauseMs, undefined, signal && { signal }).catch(() => signal?.throwIfAborted());
  }
}
