import { Worker } from 'node:worker_threads';
import { moduleBeside } from '../kernel/module-beside.ts';

const workers = { latent: 'latent/latent', preparation: 'ingest/preparation' } as const;

/**
 * Runs a worker script of this room in a thread of its own, so that nobody waits for it meanwhile. Resolves with what it
 * posted, once it has ended. Rejects with what it threw, or with the signal's reason.
 */
export function runThread<Message>(
  name: keyof typeof workers,
  workerData: unknown,
  signal: AbortSignal | undefined,
): Promise<Message[]> {
  signal?.throwIfAborted();
  const worker = new Worker(moduleBeside(import.meta.url, `${workers[name]}-worker`), {
    name,
    workerData,
  });
  const abort = (): void => void worker.terminate();
  signal?.addEventListener('abort', abort);
  const messages: Message[] = [];
  worker.on('message', (message: Message) => messages.push(message));
  return new Promise<Message[]>((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', (code) => {
      if (signal?.aborted) reject(signal.reason);
      else if (code === 0) resolve(messages);
      else reject(new Error(`the thread "${name}" ended with ${code}`));
    });
  }).finally(() => signal?.removeEventListener('abort', abort));
}
