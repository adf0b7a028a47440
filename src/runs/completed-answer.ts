import { DomainError } from '../kernel/errors.ts';
import type { RunHandle } from './runs.ts';

/**
 * What a completion of a prompt came to: its typed output, or its text where it has none. Rejects with what the run
 * failed with; a signal that aborts is its client going away.
 */
export async function completedAnswer(handle: RunHandle, signal: AbortSignal): Promise<unknown> {
  const leave = (): void => handle.leave('unsubscribed');
  signal.addEventListener('abort', leave, { once: true });
  try {
    const { error, output, text } = await handle.result();
    if (error) throw DomainError.fromJSON(error);
    return output ?? text;
  } finally {
    signal.removeEventListener('abort', leave);
  }
}
