// The thread in which a long document is prepared: takes it, posts its chunks a few at a time and then the rest, ends.
import { parentPort, workerData } from 'node:worker_threads';
import type { DocumentToIngest } from '../knowledge.ts';
import { prepareDocument } from './prepare-document.ts';
import type { PreparationMessage } from './prepare-documents.ts';

/** One large message would hold up whoever reads it. */
const chunksPerMessage = 64;
const post = (message: PreparationMessage): void => parentPort?.postMessage(message);

const result = prepareDocument(workerData as DocumentToIngest);
if ('issues' in result) post(result);
else {
  const { chunks, text: _, ...rest } = result.document;
  for (let from = 0; from < chunks.length; from += chunksPerMessage)
    post({ chunks: chunks.slice(from, from + chunksPerMessage) });
  post({ rest });
}
