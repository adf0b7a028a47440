import { parentPort, workerData } from 'node:worker_threads';
import { MemoryFS, PGlite } from '@electric-sql/pglite';
import { NodeFS } from '@electric-sql/pglite/nodefs';
import { vector } from '@electric-sql/pglite-pgvector';
import { DurableNodeFS, syncParams } from './durable-node-fs.ts';
import type { EmbeddedOptions, EmbeddedReply, EmbeddedRequest } from './embedded-protocol.ts';

// The thread in which the embedded database runs, so that no query stops the token streams of the main thread.

/** A longer answer is sent in pieces: the main thread parses while the database works on. */
const pieceBytes = 65_536;

if (!parentPort) throw new Error('embedded-worker.ts runs only as a worker thread.');
const port = parentPort;
const { dataDir, durability, loadDataDir } = workerData as EmbeddedOptions;
const isDurable = durability !== 'process' && dataDir !== 'memory://';

/** Why PostgreSQL gave up, by its own last word. */
let panic: string | undefined;

const database = await openDatabase().catch((error: unknown) => end(panic ?? reasonOf(error)));

function openDatabase(): Promise<PGlite> {
  return PGlite.create({
    fs: endingOnAbort(openFiles()),
    extensions: { vector },
    startParams: [
      ...(isDurable ? syncParams(PGlite.defaultStartParams) : PGlite.defaultStartParams),
      // Half of the default, and room for what searches of 10,000 chunks read: with 16 MB they took half as long again.
      '-c',
      'shared_buffers=64MB',
      // What is kept of the write-ahead log for its next use: a checkpoint comes every 64 MB.
      '-c',
      'max_wal_size=128MB',
      '-c',
      'min_wal_size=48MB',
    ],
    onStderr: (line) => {
      panic = /\b(?:PANIC|FATAL): +(.*)/.exec(line)?.[1] ?? panic;
      return true;
    },
    ...(loadDataDir ? { loadDataDir } : {}),
  });
}

function openFiles(): NodeFS | MemoryFS {
  if (dataDir === 'memory://') return new MemoryFS();
  return isDurable ? new DurableNodeFS(dataDir) : new NodeFS(dataDir);
}

/**
 * Ends the thread when PostgreSQL panics (a write-ahead log that can't be written, a sync that failed). PGlite would
 * swallow it and go on in a backend that has given up half-way: the next statement never returns.
 */
function endingOnAbort<Files extends NodeFS | MemoryFS>(files: Files): Files {
  const init = files.init.bind(files);
  files.init = async (...given) => {
    const { emscriptenOpts } = await init(...given);
    const onAbort = (): never => end(panic ?? 'PostgreSQL gave up');
    return { emscriptenOpts: { ...emscriptenOpts, onAbort } };
  };
  return files;
}

function reply(message: EmbeddedReply): void {
  port.postMessage(message, message instanceof Uint8Array ? [message.buffer] : []);
}

/** Nothing can be trusted any more: the main thread reports the reason. */
function end(failure: string): never {
  reply({ failure });
  process.exit(1);
}

function joined(pieces: Uint8Array[], bytes: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(bytes);
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.length;
  }
  return whole;
}

// Not execProtocolRawSync: without a listener for raw data PGlite also parses every answer, and keeps them all.
async function execute(request: Uint8Array): Promise<void> {
  let pieces: Uint8Array[] = [];
  let bytes = 0;
  const flush = (): void => {
    if (bytes > 0) reply(joined(pieces, bytes));
    pieces = [];
    bytes = 0;
  };
  const finished = database.execProtocolRawStream(request, {
    // Syncs are PostgreSQL's own: there is nothing behind the file system to bring up to date.
    syncToFs: false,
    onRawData(piece) {
      // A view of memory that the database writes again.
      pieces.push(piece.slice());
      bytes += piece.length;
      if (bytes >= pieceBytes) flush();
    },
  });
  flush();
  await finished;
}

async function answer(request: EmbeddedRequest): Promise<void> {
  if (request instanceof Uint8Array) {
    await execute(request);
  } else if (request === 'dump') {
    reply({ dump: await database.dumpDataDir('none') });
  } else {
    await database.close();
    port.close();
  }
}

/** Emscripten throws an ExitStatus, which is no Error. */
const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(Reflect.get(Object(error), 'message'));

port.on(
  'message',
  (request: EmbeddedRequest) =>
    void answer(request).catch((error: unknown) => end(panic ?? reasonOf(error))),
);
reply('ready');
