import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { vector } from '@electric-sql/pglite-pgvector';
import type { EmbeddedOptions, EmbeddedReply, EmbeddedRequest } from './embedded-protocol.ts';

// The thread in which the embedded database runs, so that no query stops the token streams of the main thread.

/** A longer answer is sent in pieces: the main thread parses while the database works on. */
const pieceBytes = 65_536;

if (!parentPort) throw new Error('embedded-worker.ts runs only as a worker thread.');
const port = parentPort;
const { dataDir, loadDataDir } = workerData as EmbeddedOptions;

const database = await PGlite.create({
  dataDir,
  extensions: { vector },
  // Half of the default, and room for what searches of 10,000 chunks read: with 16 MB they took half as long again.
  startParams: [...PGlite.defaultStartParams, '-c', 'shared_buffers=64MB'],
  ...(loadDataDir ? { loadDataDir } : {}),
});

function reply(message: EmbeddedReply): void {
  port.postMessage(message, message instanceof Uint8Array ? [message.buffer] : []);
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
    // Neither a folder nor memory has anything to synchronise.
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

/** Ends the thread: after a failure of PGlite itself nothing more can be trusted. The main thread reports it. */
function fail(error: unknown): void {
  // Emscripten throws an ExitStatus, which is no Error.
  const message =
    error instanceof Error ? error.message : String(Reflect.get(Object(error), 'message'));
  process.nextTick(() => {
    throw new Error(message, { cause: error });
  });
}

port.on('message', (request: EmbeddedRequest) => void answer(request).catch(fail));
reply('ready');
