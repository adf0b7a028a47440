import { Worker } from 'node:worker_threads';
import type { Log } from '../../kernel/log.ts';
import type { EmbeddedOptions, EmbeddedReply, EmbeddedRequest } from './embedded-protocol.ts';
import { WorkerSocket } from './worker-socket.ts';

export interface EmbeddedServer {
  /** A connection in the shape in which node-postgres wants its socket. There is one backend: use one at a time. */
  connect(): WorkerSocket;
  /** The whole database as a tarball. */
  dump(): Promise<Blob>;
  close(): Promise<void>;
}

/**
 * Starts PGlite in a thread of its own. Rejects when it can't open its folder. Should the thread end later, every
 * statement in flight and every later one rejects with the reason.
 */
export async function startEmbeddedServer(
  options: EmbeddedOptions,
  log: Log,
): Promise<EmbeddedServer> {
  const worker = new Worker(workerFile(), { name: 'database', workerData: options });
  await hasStarted(worker, options.dataDir);
  const dumps: PromiseWithResolvers<Blob>[] = [];
  const sockets = new Set<WorkerSocket>();
  let current: WorkerSocket | undefined;
  let closing = false;
  let stopped: Error | undefined;
  worker.on('message', (reply: EmbeddedReply) => {
    if (reply instanceof Uint8Array) current?.push(reply);
    else if (reply !== 'ready') dumps.shift()?.resolve(reply.dump);
  });
  const ended = endOf(worker).then((cause) => {
    stopped = stopReason(closing, cause);
    if (!closing) log.error({ err: stopped }, 'the embedded database has stopped');
    for (const { reject } of dumps) reject(stopped);
    for (const socket of sockets) socket.destroy(closing ? undefined : stopped);
  });
  const send = (request: EmbeddedRequest): void =>
    worker.postMessage(request, request instanceof Uint8Array ? [request.buffer] : []);
  return {
    connect() {
      const socket = new WorkerSocket(send, () => stopped);
      current = socket;
      sockets.add(socket);
      return socket.on('close', () => sockets.delete(socket));
    },
    dump() {
      if (stopped) return Promise.reject(stopped);
      const pending = Promise.withResolvers<Blob>();
      dumps.push(pending);
      send('dump');
      return pending.promise;
    },
    async close() {
      closing = true;
      send('close');
      await ended;
    },
  };
}

async function hasStarted(worker: Worker, dataDir: string): Promise<void> {
  const ready = new Promise((resolve) => worker.once('message', resolve));
  const cause = await Promise.race([ready.then(() => undefined), endOf(worker)]);
  if (cause === undefined) return;
  throw new Error(`The embedded database in ${dataDir} can't be opened: ${cause.message}`, {
    cause,
  });
}

/** Resolves with why the thread ended. */
function endOf(worker: Worker): Promise<Error> {
  return new Promise((resolve) => {
    worker.once('error', resolve);
    worker.once('exit', (code) => resolve(new Error(`the thread ended with code ${code}`)));
  });
}

/** Beside this file, in the source as in the published package. */
function workerFile(): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new URL(`./embedded-worker.${extension}`, import.meta.url);
}

function stopReason(closing: boolean, cause: Error): Error {
  if (closing) return new Error('The embedded database is closed.');
  const message = `The embedded database has stopped: ${cause.message}. Restart the server.`;
  return new Error(message, { cause });
}
