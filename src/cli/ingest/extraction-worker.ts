import { parentPort } from 'node:worker_threads';
import { messageOf } from '../../kernel/message-of.ts';
import type { ExtractionAnswer, ExtractionRequest } from './create-extractor.ts';
import { htmlToText } from './html/html-text.ts';
import { pdfToText } from './pdf-text.ts';
import { SourceProblem } from './source-problem.ts';

async function answer({ kind, bytes }: ExtractionRequest): Promise<ExtractionAnswer> {
  try {
    return kind === 'pdf' ? await pdfToText(bytes) : htmlToText(bytes);
  } catch (error) {
    if (error instanceof SourceProblem) return { problem: error.message };
    return { problem: `cannot be read (${messageOf(error)})` };
  }
}

parentPort?.on('message', async (request: ExtractionRequest) => {
  parentPort?.postMessage(await answer(request));
});
