import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A Postgres server as its clients see it, that can go down and come back. */
export interface TcpProxy {
  /** The given URL, through the proxy. */
  url: string;
  /** Breaks every connection and refuses new ones, as a server that was stopped. */
  goDown(): Promise<void>;
  /** Lets connections through that were opened since. */
  comeBack(): Promise<void>;
  /** Passes nothing on any more, in either direction, and accepts connections without an answer: a host that vanished. */
  freeze(): void;
  close(): Promise<void>;
}

export async function startTcpProxy(target: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let frozen = false;
  let server: Server | undefined;
  const track = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  };
  const accept = (client: Socket): void => {
    track(client);
    if (frozen) return;
    const upstream = track(connect(Number(port || 5432), hostname));
    client.on('data', (bytes) => !frozen && upstream.write(bytes));
    upstream.on('data', (bytes) => !frozen && client.write(bytes));
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  };
  const listen = (onPort: number): Promise<number> =>
    new Promise((resolve) => {
      const listening = createServer(accept);
      server = listening;
      listening.listen(onPort, '127.0.0.1', () =>
        resolve((listening.address() as AddressInfo).port),
      );
    });
  const goDown = (): Promise<void> =>
    new Promise((resolve) => {
      for (const socket of sockets) socket.destroy();
      if (server?.listening) server.close(() => resolve());
      else resolve();
    });
  const ownPort = await listen(0);
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String(ownPort);
  return {
    url: url.href,
    goDown,
    async comeBack() {
      frozen = false;
      if (!server?.listening) await listen(ownPort);
    },
    freeze() {
      frozen = true;
    },
    close: goDown,
  };
}
