import { parentPort } from 'node:worker_threads';
import type { ExtractionAnswer, ExtractionRequest } from './create-extractor.ts';
import { htmlToText } from './html-text.ts';
import { pdfToText } from './pdf-text.ts';
import { SourceProblem } from './source-problem.ts';

async function answer(request: ExtractionRequest): Promise<ExtractionAnswer> {
  try {
    return request.kind === 'pdf' ? await pdfToText(request.bytes) : htmlToText(request.html);
  } catch (error) {
    if (error instanceof SourceProblem) return { problem: error.message };
    if (error instanceof RangeError) return { problem: 'nests deeper than any page should' };
    return { problem: `cannot be read (${error instanceof Error ? error.message : error})` };
  }
}

parentPort?.on('message', async (request: ExtractionRequest) => {
  parentPort?.postMessage(await answer(request));
});
