import { resultOrLeave } from '../../runs/reading/result-or-leave.ts';
import type { RunHandle, RunRecord } from '../../runs/runs.ts';
import type { GraphQLContext } from '../context.ts';

/** The run when it has ended or waits for an approval. Should the client go away before, the run is told. */
export async function runResult(handle: RunHandle, context: GraphQLContext): Promise<RunRecord> {
  context.runIds.add(handle.runId);
  return resultOrLeave(handle, context.disconnected, 'disconnected');
}
