import { Worker } from 'node:worker_threads';
import { messageOf } from '../../kernel/message-of.ts';
import { moduleBeside } from '../../kernel/module-beside.ts';
import { SourceProblem } from './source-problem.ts';
import type { SourceText } from './source-text.ts';

/** The bytes are moved to the reader, and gone for who asked. */
export interface ExtractionRequest {
  kind: 'html' | 'pdf';
  bytes: Uint8Array;
}

export type ExtractionAnswer = SourceText | { problem: string };

export interface Extractor {
  /** The text of a page or PDF. Rejects with a `SourceProblem`. One at a time. */
  extract(request: ExtractionRequest): Promise<SourceText>;
  close(): Promise<void>;
}

export interface ExtractorLimits {
  timeoutMs?: number;
  /** What reading one file may cost, buffers included. */
  memoryMb?: number;
}

const watchMs = 100;
/**
 * V8 sometimes ends the whole process at a thread's heap limit, so the limit lies where the watch has long acted. Of a
 * heap that may have two gigabytes V8 lets twice as much lie about, before it collects, as of one that may have one.
 */
const neverReachedMb = 512;
const youngMb = 4;

/**
 * Reads pages and PDFs in a thread of its own. A file that is made to hang its reader or to fill the memory (streams
 * that unfold a thousandfold, tags nested without end) costs that thread alone, and the next file gets a new one.
 */
export function createExtractor({
  timeoutMs = 30_000,
  memoryMb = 512,
}: ExtractorLimits = {}): Extractor {
  let worker: Worker | null = null;

  async function stop(): Promise<void> {
    const stopped = worker;
    worker = null;
    await stopped?.terminate();
  }

  async function extract(request: ExtractionRequest): Promise<SourceText> {
    worker ??= startWorker(memoryMb);
    const answer = await ask(worker, request, { timeoutMs, memoryMb });
    if ('text' in answer) return answer;
    if (answer.broken) await stop();
    throw new SourceProblem(answer.problem);
  }

  return { extract, close: stop };
}

function startWorker(memoryMb: number): Worker {
  const worker = new Worker(moduleBeside(import.meta.url, 'extraction-worker'), {
    resourceLimits: {
      maxOldGenerationSizeMb: memoryMb + neverReachedMb,
      maxYoungGenerationSizeMb: youngMb,
    },
  });
  // A thread that breaks while nobody asks must not end the program.
  return worker.on('error', () => undefined);
}

type Outcome = SourceText | { problem: string; broken: boolean };

function ask(
  worker: Worker,
  request: ExtractionRequest,
  { timeoutMs, memoryMb }: Required<ExtractorLimits>,
): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const broken = (problem: string): void => resolve({ problem, broken: true });
  const tooLarge = `needs more than ${memoryMb} MB of memory to be read`;
  const limit = process.memoryUsage.rss() + memoryMb * 1_048_576;
  const timer = setTimeout(
    () => broken(`takes longer than ${timeoutMs / 1_000} s to be read`),
    timeoutMs,
  );
  // Of the whole process, since a thread's heap leaves out its buffers.
  const watch = setInterval(() => process.memoryUsage.rss() > limit && broken(tooLarge), watchMs);
  const onMessage = (answer: ExtractionAnswer): void =>
    resolve('problem' in answer ? { ...answer, broken: false } : answer);
  const onError = (error: unknown): void =>
    broken(
      (error as { code?: unknown }).code === 'ERR_WORKER_OUT_OF_MEMORY'
        ? tooLarge
        : `cannot be read (${messageOf(error)})`,
    );
  worker.once('message', onMessage);
  worker.once('error', onError);
  worker.postMessage(request, [request.bytes.buffer as ArrayBuffer]);
  return promise.finally(() => {
    clearTimeout(timer);
    clearInterval(watch);
    worker.off('message', onMessage);
    worker.off('error', onError);
  });
}
