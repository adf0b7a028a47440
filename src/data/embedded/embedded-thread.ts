import { Worker } from 'node:worker_threads';
import { moduleBeside } from '../../kernel/module-beside.ts';
import type { EmbeddedOptions, EmbeddedReply, EmbeddedRequest } from './embedded-protocol.ts';

export interface EmbeddedThread {
  send(request: EmbeddedRequest): void;
  /** Resolves with why the thread ended. */
  ended: Promise<Error>;
}

type Answer = Exclude<EmbeddedReply, 'ready' | { failure: string }>;

/** Starts PGlite in a thread of its own. Rejects with the reason when it can't open its folder. */
export async function startEmbeddedThread(
  options: EmbeddedOptions,
  onAnswer: (answer: Answer) => void,
): Promise<EmbeddedThread> {
  const worker = new Worker(moduleBeside(import.meta.url, 'embedded-worker'), {
    name: 'database',
    workerData: options,
  });
  const ready = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<Error>();
  const end = (reason: unknown): void =>
    ended.resolve(reason instanceof Error ? reason : new Error(String(reason)));
  worker.on('message', (reply: EmbeddedReply) => {
    if (reply === 'ready') ready.resolve();
    else if ('failure' in reply) end(reply.failure);
    else onAnswer(reply);
  });
  worker.once('error', end);
  worker.once('exit', (code) => end(`the thread ended with code ${code}`));
  const failure = await Promise.race([ready.promise, ended.promise]);
  if (failure) {
    const message = `The embedded database in ${options.dataDir} can't be opened: ${failure.message}`;
    throw new Error(message, { cause: failure });
  }
  return {
    send: (request) =>
      worker.postMessage(request, request instanceof Uint8Array ? [request.buffer] : []),
    ended: ended.promise,
  };
}
