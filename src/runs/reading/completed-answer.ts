import { DomainError } from '../../kernel/errors.ts';
import type { RunHandle } from '../runs.ts';
import { resultOrLeave } from './result-or-leave.ts';

/**
 * What a completion of a prompt came to: its typed output, or its text where it has none. Rejects with what the run
 * failed with; a signal that aborts is its client going away.
 */
export async function completedAnswer(handle: RunHandle, signal: AbortSignal): Promise<unknown> {
  const { error, output, text } = await resultOrLeave(handle, signal, 'unsubscribed');
  if (error) throw DomainError.fromJSON(error);
  return output ?? text;
}
