import { type Client, createClient } from 'graphql-ws/client';
import type { ExecutionError, ExecutionResult, Transport } from '../transport.ts';

export interface WebSocketTransportOptions {
  url: string;
  /** The payload of `connection_init`, asked for at each connection. */
  connectionParams(): Promise<Record<string, unknown>>;
  webSocketImpl?: unknown;
}

/** A server that answers no ping within this time is gone, whatever the socket says: a half-open connection, a sleep. */
const pingEveryMs = 10_000;
const pongTimeoutMs = 5_000;

/** One lazy socket for all subscriptions. It never connects again by itself: the run knows from where to read on. */
export function createWebSocketTransport(options: WebSocketTransportOptions): Transport {
  let pongTimer: ReturnType<typeof setTimeout> | undefined;
  const client: Client = createClient({
    url: options.url,
    connectionParams: options.connectionParams,
    webSocketImpl: options.webSocketImpl,
    retryAttempts: 0,
    lazyCloseTimeout: 5_000,
    keepAlive: pingEveryMs,
    connectionAckWaitTimeout: 10_000,
    on: {
      ping: (received) => {
        if (received) return;
        clearTimeout(pongTimer);
        pongTimer = setTimeout(() => client.terminate(), pongTimeoutMs);
      },
      pong: (received) => {
        if (received) clearTimeout(pongTimer);
      },
      closed: () => clearTimeout(pongTimer),
    },
  });
  return {
    subscribe({ query, variables, extensions }, sink) {
      return client.subscribe<Record<string, unknown>>(
        { query, variables, extensions },
        {
          next: (result) => sink.next(result as ExecutionResult),
          complete: () => sink.complete(),
          error(reason) {
            if (!Array.isArray(reason)) return sink.lost(describe(reason));
            sink.next({ errors: reason as ExecutionError[] });
            sink.complete();
          },
        },
      );
    },
    reconnect: () => client.terminate(),
    close: () => void client.dispose(),
  };
}

function describe(reason: unknown): { message: string; code?: number } {
  const { code, reason: text, message } = (reason ?? {}) as Record<string, unknown>;
  const words = String(text || message || 'the connection was lost');
  return typeof code === 'number' ? { message: words, code } : { message: words };
}
