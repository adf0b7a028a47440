import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { StartupError } from '../kernel/startup-error.ts';
import { createRoutes } from './create-routes.ts';
import { createGraphQLHandler } from './graphql/create-graphql-handler.ts';
import { createErrorFormatter } from './graphql/error-formatter.ts';
import { OperationsInFlight } from './graphql/operations-in-flight.ts';
import { createAdmission } from './http/admission.ts';
import { clientAddress, trustedProxies } from './http/client-address.ts';
import { requestIdOf } from './http/exchange.ts';
import { pathOf } from './http/request-path.ts';
import { createResponseWatchdog } from './http/response-watchdog.ts';
import { noteVisitor } from './http/visitor.ts';
import type { TransportOptions } from './transport-options.ts';
import { createWebSocketServer } from './websocket/create-websocket-server.ts';

export interface Transport {
  /** Rejects with a `StartupError` when the address cannot be had. Resolves with the port. */
  listen(host: string, port: number): Promise<number>;
  openSockets(): number;
  /** What would begin work answers SHUTTING_DOWN, and readiness 503. What is in flight goes on, and may be read and cancelled. */
  refuseNewWork(): void;
  /** Closes every connection. */
  close(): Promise<void>;
}

/** All of the server that clients see: GraphQL over HTTP, server-sent events and WebSocket, GraphiQL, health, metrics. */
export function createTransport(options: TransportOptions): Transport {
  const { auth, rateLimiter, log, metrics, stallMs = 10_000, keepAliveMs = 12_000 } = options;
  const admission = createAdmission({ auth, rateLimiter, log });
  const format = createErrorFormatter(log);
  const inFlight = new OperationsInFlight();
  const handler = createGraphQLHandler({ ...options, admission, format });
  const webSockets = createWebSocketServer({
    handler,
    admission,
    format,
    inFlight,
    metrics,
    log,
    maxMessageBytes: options.bodyLimitBytes,
    stallMs,
    keepAliveMs,
  });
  const watchdog = createResponseWatchdog(stallMs);
  const isTrustedProxy = trustedProxies(options.trustedProxies ?? []);
  const route = createRoutes({
    ...options,
    handler,
    admission,
    inFlight,
    watchdog,
    keepAliveMs,
    isTrustedProxy,
  });
  const server = createHttpServer(route, options.arrival ?? defaultArrival);
  server.on('upgrade', (request, socket, head) => {
    // Node has taken its own listener off: the error of a connection that is reset would end the process.
    socket.on('error', () => socket.destroy());
    if (admission.closed()) refuseUpgrade(socket, '503 Service Unavailable');
    else if (pathOf(request) !== '/graphql') refuseUpgrade(socket, '404 Not Found');
    else {
      noteVisitor(request, {
        requestId: requestIdOf(request.headers['x-request-id']),
        address: clientAddress(request, isTrustedProxy),
      });
      webSockets.upgrade(request, socket, head);
    }
  });
  return {
    listen: (host, port) => listen(server, host, port),
    openSockets: webSockets.openSockets,
    refuseNewWork: admission.stop,
    async close() {
      admission.close();
      // Runs have ended; what their last events said is still on its way to some client.
      await inFlight.idle(1_000);
      const closed = new Promise((resolve) => server.close(resolve));
      await webSockets.close(2_000);
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), 2_000);
      await closed;
      clearTimeout(timer);
      watchdog.stop();
    },
  };
}

/** Nobody else closes this connection: Node has let go of it, and its client may never. */
function refuseUpgrade(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\n\r\n`, () => socket.destroy());
}

type Route = (request: IncomingMessage, response: ServerResponse) => void;

const defaultArrival = { headersMs: 10_000, requestMs: 30_000, lookMs: 2_000 };

/** A client that trickles bytes holds a connection, and no more, for as long as a request may take to arrive. */
function createHttpServer(
  route: Route,
  { headersMs, requestMs, lookMs }: NonNullable<TransportOptions['arrival']>,
): Server {
  return createServer(
    {
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      connectionsCheckingInterval: lookMs,
      keepAliveTimeout: 65_000,
      noDelay: true,
    },
    route,
  );
}

const setHost = "can't be listened on: set HOST to an address that this machine has, or 0.0.0.0";
/** By the operating system's code. */
const listenErrors: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use: stop what uses it, or set PORT',
  EACCES: 'is not for this user: set PORT to 1024 or above',
  EADDRNOTAVAIL: setHost,
  ENOTFOUND: setHost,
};

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = listenErrors[error.code ?? ''] ?? `can't be listened on: ${error.message}`;
      reject(new StartupError([`port ${port} of ${host} ${why}`], { cause: error }));
    });
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}
