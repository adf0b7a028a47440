import type { IngestResult } from '../knowledge/knowledge.ts';
import { failRun } from './live/fail-run.ts';
import type { LiveRun } from './live/live-run.ts';
import type { RunServices } from './run-services.ts';
import type { IngestRequest } from './runs.ts';

/** What a finished ingest leaves in its run's `output`. */
export interface IngestOutput
  extends Pick<IngestResult, 'created' | 'updated' | 'unchanged' | 'chunks' | 'rejected'> {
  documentIds: string[];
}

/** Documents in, passages stored: tells how far it is, and leaves what came of it in the run's output. */
export async function runIngest(
  run: LiveRun,
  request: IngestRequest,
  services: RunServices,
): Promise<void> {
  try {
    const { embedder, documents, ...counts } = await ingest(run, request, services);
    const { created, updated, unchanged, chunks, rejected } = counts;
    const output: IngestOutput = {
      created,
      updated,
      unchanged,
      chunks,
      rejected,
      documentIds: documents.map(({ id }) => id),
    };
    await run.end({ status: 'SUCCEEDED', model: embedder, output }, { type: 'RunFinished' });
  } catch (error) {
    await failRun(run, { error, patch: {} }, services);
  }
}

/** What a hosted embedder bills is the run's usage, however it ends. */
function ingest(
  run: LiveRun,
  { options: _, ...input }: IngestRequest,
  { knowledge, ledger }: RunServices,
): Promise<IngestResult> {
  return knowledge.ingest(input, {
    by: run.row,
    signal: run.signal,
    meter: ledger.meterEmbedders({ tag: run.tag, envelope: run.envelope }),
    onStarted: (model) => {
      run.record.model = model;
      run.append({ type: 'RunStarted', model, promptVersionId: null });
    },
    onProgress: (done, total) => run.append({ type: 'DocumentsIngested', documents: done, total }),
  });
}
