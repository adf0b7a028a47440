import type { Issue } from '../../kernel/errors.ts';
import type { DocumentToIngest } from '../knowledge.ts';
import { runThread } from '../run-thread.ts';
import { type PreparedChunk, type PreparedDocument, prepareDocument } from './prepare-document.ts';

export type PreparationMessage =
  | { issues: Issue[] }
  | { chunks: PreparedChunk[] }
  | { rest: Omit<PreparedDocument, 'chunks' | 'text'> };

/** So many characters take some 20 ms; a longer document is prepared in a thread. */
const longestHere = 100_000;

/** Checks and cuts documents without holding up anybody else. Of documents with one source the last counts. */
export async function prepareDocuments(
  documents: readonly DocumentToIngest[],
  signal: AbortSignal | undefined,
): Promise<{
  prepared: PreparedDocument[];
  rejected: { source: string; issues: Issue[] }[];
}> {
  const bySource = new Map<string, PreparedDocument>();
  const rejected: { source: string; issues: Issue[] }[] = [];
  for (const document of documents) {
    signal?.throwIfAborted();
    const isLong = document.text.length > longestHere;
    const result = isLong ? await prepareInThread(document, signal) : prepareDocument(document);
    if ('issues' in result) rejected.push({ source: document.source, issues: result.issues });
    else bySource.set(document.source, result.document);
    await new Promise(setImmediate);
  }
  return { prepared: [...bySource.values()], rejected };
}

async function prepareInThread(
  document: DocumentToIngest,
  signal: AbortSignal | undefined,
): Promise<ReturnType<typeof prepareDocument>> {
  const messages = await runThread<PreparationMessage>('preparation', document, signal);
  const last = messages.at(-1)!;
  if ('issues' in last) return last;
  if (!('rest' in last)) throw new Error('the preparation ended before its report');
  const chunks = messages.flatMap((message) => ('chunks' in message ? message.chunks : []));
  return { document: { ...last.rest, text: document.text, chunks } };
}
