import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { handleProtocols, makeServer } from 'graphql-ws';
import { WebSocketServer } from 'ws';
import { serveConnection } from './websocket-connection.ts';
import { createWebSocketHooks, type WebSocketOptions } from './websocket-operations.ts';

export interface GraphQLWebSocketServer {
  /** Takes over an HTTP connection that asks to become a WebSocket. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  openSockets(): number;
  /** Closes every socket with 1001 and waits until they are gone, at most `withinMs`. */
  close(withinMs: number): Promise<void>;
}

/** GraphQL over WebSocket, by the protocol graphql-transport-ws. */
export function createWebSocketServer(
  options: WebSocketOptions & { maxMessageBytes: number; stallMs: number; keepAliveMs: number },
): GraphQLWebSocketServer {
  const { admission, log, stallMs, keepAliveMs } = options;
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols,
    maxPayload: options.maxMessageBytes,
  });
  const server = makeServer(createWebSocketHooks(options));
  return {
    upgrade(request, socket, head) {
      sockets.handleUpgrade(request, socket, head, (webSocket) =>
        serveConnection(webSocket, request, { server, admission, log, stallMs, keepAliveMs }),
      );
    },
    openSockets: () => sockets.clients.size,
    async close(withinMs) {
      const gone = [...sockets.clients].map(
        (socket) => new Promise((resolve) => socket.once('close', resolve)),
      );
      for (const socket of sockets.clients) socket.close(1001, 'Going away');
      const timer = setTimeout(() => {
        for (const socket of sockets.clients) socket.terminate();
      }, withinMs);
      await Promise.all(gone);
      clearTimeout(timer);
      sockets.close();
    },
  };
}
