import type { RunHandle, RunRecord } from '../runs/runs.ts';
import type { GraphQLContext } from './context.ts';

/** The run when it has ended or waits for an approval. Should the client go away before, the run is told. */
export async function runResult(handle: RunHandle, context: GraphQLContext): Promise<RunRecord> {
  const { disconnected, runIds } = context;
  runIds.add(handle.runId);
  const leave = (): void => handle.leave('disconnected');
  if (disconnected?.aborted) leave();
  disconnected?.addEventListener('abort', leave, { once: true });
  try {
    return await handle.result();
  } finally {
    disconnected?.removeEventListener('abort', leave);
  }
}
