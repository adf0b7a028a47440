import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { GraphQLSchema } from 'graphql';
import type { Auth } from '../auth/auth.ts';
import type { RateLimiter } from '../auth/rate-limiter.ts';
import type { Log } from '../kernel/log.ts';
import { StartupError } from '../kernel/startup-error.ts';
import type { Services } from '../schema/context.ts';
import type { Metrics } from '../telemetry/create-metrics.ts';
import { type CreateContext, createGraphQLHandler } from './graphql/create-graphql-handler.ts';
import { createErrorFormatter } from './graphql/error-formatter.ts';
import { OperationsInFlight } from './graphql/operations-in-flight.ts';
import { createAdmission } from './http/admission.ts';
import { createRoutes } from './http/create-routes.ts';
import { pathOf } from './http/request-path.ts';
import { createResponseWatchdog } from './http/response-watchdog.ts';
import { createWebSocketServer } from './websocket/create-websocket-server.ts';

export interface TransportOptions {
  schema: GraphQLSchema;
  createContext: CreateContext;
  auth: Auth;
  rateLimiter: RateLimiter;
  /** What is served to MCP clients at `/mcp`; nothing when left out. */
  mcp?: { services: Pick<Services, 'registry' | 'prompts' | 'runs'>; version: string };
  /** Of whom `/export/usage` is asked; nothing is served there when left out. */
  ledger?: Pick<Services['ledger'], 'exportUsage'>;
  /** Rejects while the database is away. */
  pingDatabase(): Promise<unknown>;
  metrics: Metrics;
  log: Log;
  bodyLimitBytes: number;
  corsOrigins: readonly string[];
  /** How long a reader may take nothing before its stream ends with SLOW_CONSUMER. Default 10,000. */
  stallMs?: number;
  /** How slowly a request may arrive. Default: headers within 10 s, all of it within 30 s, looked at every 2 s. */
  arrival?: { headersMs: number; requestMs: number; lookMs: number };
  /** How often WebSockets are asked for a sign of life, and whether a stream's key still holds. Default 12,000. */
  keepAliveMs?: number;
}

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
  const route = createRoutes({ ...options, handler, admission, inFlight, watchdog, keepAliveMs });
  const server = createHttpServer(route, options.arrival ?? defaultArrival);
  server.on('upgrade', (request, socket, head) => {
    // Node has taken its own listener off: the error of a connection that is reset would end the process.
    socket.on('error', () => socket.destroy());
    if (admission.closed()) refuseUpgrade(socket, '503 Service Unavailable');
    else if (pathOf(request) !== '/graphql') refuseUpgrade(socket, '404 Not Found');
    else webSockets.upgrade(request, socket, head);
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
