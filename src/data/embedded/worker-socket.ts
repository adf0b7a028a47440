import { Duplex } from 'node:stream';

/**
 * The part of a `net.Socket` that node-postgres uses, over anything that takes and gives bytes. Received bytes are
 * pushed by the owner.
 */
export class WorkerSocket extends Duplex {
  readonly #send: (bytes: Uint8Array<ArrayBuffer>) => void;
  readonly #ready: () => Promise<void>;

  /** `ready` is awaited on connecting: what it rejects with is what the connection fails with. */
  constructor(send: (bytes: Uint8Array<ArrayBuffer>) => void, ready: () => Promise<void>) {
    super();
    this.#send = send;
    this.#ready = ready;
  }

  connect(): this {
    this.#ready().then(
      () => this.emit('connect'),
      (error: Error) => this.destroy(error),
    );
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  override _read(): void {
    // The owner pushes whatever comes: an answer is in memory already.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this._writev([{ chunk }], done);
  }

  /** node-postgres corks the messages of one statement: they travel as one. */
  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    let length = 0;
    for (const { chunk } of chunks) length += chunk.length;
    // Exactly these bytes: a Buffer may be a view of a pool that would be copied, or transferred, as a whole.
    const bytes = new Uint8Array(length);
    let offset = 0;
    for (const { chunk } of chunks) {
      bytes.set(chunk, offset);
      offset += chunk.length;
    }
    this.#send(bytes);
    done();
  }

  override _final(done: () => void): void {
    this.push(null);
    done();
  }
}
