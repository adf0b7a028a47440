import type { Log } from '../../kernel/log.ts';
import type { EmbeddedOptions, EmbeddedRequest } from './embedded-protocol.ts';
import { type EmbeddedThread, startEmbeddedThread } from './embedded-thread.ts';
import { WorkerSocket } from './worker-socket.ts';

/** A start that failed is not tried again before that. */
const restartPauseMs = 1_000;

export interface EmbeddedServer {
  /** A connection in the shape in which node-postgres wants its socket. There is one backend: use one at a time. */
  connect(): WorkerSocket;
  /** The whole database as a tarball. */
  dump(): Promise<Blob>;
  close(): Promise<void>;
}

/**
 * PGlite in a thread of its own. Rejects when it can't open its folder.
 *
 * Should the thread end later, every statement in flight rejects with the reason, and the next connection starts another
 * one: what was acknowledged is in the folder. A database in memory is gone then, and every later statement rejects.
 */
export async function startEmbeddedServer(
  options: EmbeddedOptions,
  log: Log,
): Promise<EmbeddedServer> {
  const server = new Server(options, log);
  await server.start();
  return server;
}

class Server implements EmbeddedServer {
  readonly #options: EmbeddedOptions;
  readonly #log: Log;
  readonly #dumps: PromiseWithResolvers<Blob>[] = [];
  readonly #sockets = new Set<WorkerSocket>();
  #thread: EmbeddedThread | undefined;
  #starting: Promise<void> | undefined;
  #current: WorkerSocket | undefined;
  #stopped: Error | undefined;
  #closing = false;

  constructor(options: EmbeddedOptions, log: Log) {
    this.#options = options;
    this.#log = log;
  }

  async start(): Promise<void> {
    const thread = await startEmbeddedThread(this.#options, (answer) => {
      if (answer instanceof Uint8Array) this.#current?.push(answer);
      else this.#dumps.shift()?.resolve(answer.dump);
    });
    this.#thread = thread;
    this.#stopped = undefined;
    void thread.ended.then((cause) => this.#onEnd(cause));
  }

  connect(): WorkerSocket {
    const socket = new WorkerSocket(
      (bytes) => this.#send(bytes),
      () => this.#ready(),
    );
    this.#current = socket;
    this.#sockets.add(socket);
    return socket.on('close', () => this.#sockets.delete(socket));
  }

  dump(): Promise<Blob> {
    if (this.#stopped) return Promise.reject(this.#stopped);
    const pending = Promise.withResolvers<Blob>();
    this.#dumps.push(pending);
    this.#send('dump');
    return pending.promise;
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#starting?.catch(() => undefined);
    this.#send('close');
    await this.#thread?.ended;
  }

  #send(request: EmbeddedRequest): void {
    if (!this.#stopped) this.#thread?.send(request);
  }

  /** Starts the thread again after it has ended. Rejects when there is none to be had. */
  async #ready(): Promise<void> {
    if (!this.#stopped) return;
    if (this.#closing || this.#options.dataDir === 'memory://') throw this.#stopped;
    this.#starting ??= this.#restart();
    await this.#starting;
  }

  async #restart(): Promise<void> {
    try {
      await this.start();
      this.#starting = undefined;
      this.#log.info({}, 'the embedded database has started again');
    } catch (error) {
      this.#log.error({ err: error }, 'the embedded database does not start');
      setTimeout(() => {
        this.#starting = undefined;
      }, restartPauseMs).unref();
      throw error;
    }
  }

  #onEnd(cause: Error): void {
    this.#stopped = this.#closing
      ? new Error('The embedded database is closed.')
      : new Error(`The embedded database has stopped: ${cause.message}.`, { cause });
    if (!this.#closing)
      this.#log.error({ err: this.#stopped }, 'the embedded database has stopped');
    for (const { reject } of this.#dumps.splice(0)) reject(this.#stopped);
    for (const socket of this.#sockets) {
      socket.destroy(this.#closing ? undefined : this.#stopped);
    }
  }
}
