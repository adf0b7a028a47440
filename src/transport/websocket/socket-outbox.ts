import type { WebSocket } from 'ws';
import type { Outflow } from '../http/exchange.ts';

/** Bytes that may wait in this process for a socket before its streams have to wait too. */
const highWaterBytes = 65_536;

/**
 * What leaves over one WebSocket. A message is handed to the kernel at once; only while a backlog has built up do
 * senders wait, and a backlog that does not clear in `stallMs` makes the socket stalled: its streams are then ended.
 */
export class SocketOutbox implements Outflow {
  readonly #socket: WebSocket;
  readonly #stallMs: number;
  #stalled = false;

  constructor(socket: WebSocket, stallMs: number) {
    this.#socket = socket;
    this.#stallMs = stallMs;
  }

  stalled(): boolean {
    return this.#stalled;
  }

  /** Resolves when the next message may be made; never rejects: a socket that is gone tells its `close` listeners. */
  async send(data: string): Promise<void> {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (this.#socket.bufferedAmount + data.length < highWaterBytes) {
      this.#socket.send(data);
      return;
    }
    await this.#sendAndWait(data);
  }

  #sendAndWait(data: string): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#stalled = true;
        resolve();
      }, this.#stallMs);
      this.#socket.send(data, () => {
        clearTimeout(timer);
        this.#stalled = false;
        resolve();
      });
    });
  }
}
