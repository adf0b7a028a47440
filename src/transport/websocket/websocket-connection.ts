import type { IncomingMessage } from 'node:http';
import type { Server } from 'graphql-ws';
import type { WebSocket } from 'ws';
import type { Credentials } from '../../auth/auth.ts';
import type { Log } from '../../kernel/log.ts';
import type { Admission } from '../http/admission.ts';
import type { Exchange } from '../http/exchange.ts';
import { SocketOutbox } from './socket-outbox.ts';

/** What a connection's operations share. */
export interface SocketState extends Record<PropertyKey, unknown> {
  request: IncomingMessage;
  credentials: Credentials;
  /** Operations that have not ended. */
  open: Set<Exchange>;
  outbox: SocketOutbox;
}

export interface ConnectionOptions {
  server: Server<SocketState>;
  /** Asked once in each `keepAliveMs`, while something is open, whether the socket's key still holds. */
  admission: Pick<Admission, 'stillHolds'>;
  log: Log;
  stallMs: number;
  keepAliveMs: number;
}

/** Serves one WebSocket until it closes. */
export function serveConnection(
  socket: WebSocket,
  request: IncomingMessage,
  options: ConnectionOptions,
): void {
  const { server, log } = options;
  const outbox = new SocketOutbox(socket, options.stallMs);
  const state: SocketState = { request, outbox, credentials: {}, open: new Set() };
  socket.on('error', (error) => log.debug({ err: error }, 'a WebSocket failed'));
  const stopKeepAlive = keepAlive(socket, state, options);
  const closed = server.opened(
    {
      protocol: socket.protocol,
      send: (data) => outbox.send(data),
      close: (code, reason) => socket.close(code, reason),
      onMessage: (handle) =>
        socket.on('message', async (data) => {
          try {
            await handle(String(data));
          } catch (error) {
            log.error({ err: error }, 'a WebSocket message could not be handled');
            socket.close(4500, 'Internal server error');
          }
        }),
    },
    state,
  );
  socket.once('close', (code, reason) => {
    stopKeepAlive();
    // Before the streams are ended: they ask by this whether their client meant to go.
    for (const exchange of state.open) exchange.disconnected.abort();
    closed(code, String(reason)).catch((error) =>
      log.error({ err: error }, 'a WebSocket could not be cleared away'),
    );
  });
}

/** Ends a connection that has died silently, and one whose key no longer holds. */
function keepAlive(
  socket: WebSocket,
  state: SocketState,
  { keepAliveMs, admission }: ConnectionOptions,
): () => void {
  let answered = true;
  socket.on('pong', () => {
    answered = true;
  });
  const check = async (): Promise<void> => {
    if (!answered) return socket.terminate();
    answered = false;
    socket.ping();
    if (state.open.size > 0 && !(await admission.stillHolds(state.credentials))) {
      socket.close(4403, 'Forbidden');
    }
  };
  const timer = setInterval(() => void check(), keepAliveMs);
  return () => clearInterval(timer);
}
