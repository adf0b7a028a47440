import type { RunHandle, RunRecord } from '../runs.ts';

/** The run when it has ended or waits for an approval. Should the signal abort before, the run is told how its client left. */
export async function resultOrLeave(
  handle: RunHandle,
  signal: AbortSignal | undefined,
  how: Parameters<RunHandle['leave']>[0],
): Promise<RunRecord> {
  const leave = (): void => handle.leave(how);
  if (signal?.aborted) leave();
  signal?.addEventListener('abort', leave, { once: true });
  try {
    return await handle.result();
  } finally {
    signal?.removeEventListener('abort', leave);
  }
}
