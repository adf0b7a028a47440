import type { IncomingMessage, ServerResponse } from 'node:http';
import { GraphQLError } from 'graphql';
import { hasRole } from '../kernel/access/principal.ts';
import type { GraphQLHandler } from './graphql/create-graphql-handler.ts';
import { logOperation } from './graphql/log-operation.ts';
import type { OperationsInFlight } from './graphql/operations-in-flight.ts';
import { accepts, answerTypes } from './http/accepted-types.ts';
import type { Admission } from './http/admission.ts';
import { clientAddress, type IsTrusted } from './http/client-address.ts';
import { credentialsOf, isLocal } from './http/credentials.ts';
import { createExchange, type Exchange, requestIdOf } from './http/exchange.ts';
import { pathOf } from './http/request-path.ts';
import { refusal } from './http/request-refusal.ts';
import type { ResponseWatchdog } from './http/response-watchdog.ts';
import { sendRefusal } from './http/send-refusal.ts';
import { noteVisitor } from './http/visitor.ts';
import { createMcpHandler } from './mcp/create-mcp-handler.ts';
import { createAuditExport } from './pages/audit-export.ts';
import { createGraphiQLPage, wantsPage } from './pages/graphiql-page.ts';
import { sendJson, sendReadiness } from './pages/health.ts';
import { createLoginPage } from './pages/login-page.ts';
import { createOpenIdPages, openIdPaths } from './pages/open-id-pages.ts';
import { createUsageExport } from './pages/usage-export.ts';
import type { TransportOptions } from './transport-options.ts';

interface RoutesOptions extends TransportOptions {
  handler: GraphQLHandler;
  admission: Admission;
  inFlight: OperationsInFlight;
  watchdog: ResponseWatchdog;
  keepAliveMs: number;
  isTrustedProxy: IsTrusted;
}

interface HttpRequest {
  request: IncomingMessage;
  response: ServerResponse;
  requestId: string;
}

type Handle = (visit: HttpRequest) => void | Promise<void>;

interface Route {
  /** Other methods answer 405 before anything else is looked at. Left out: the route says itself what it takes. */
  methods?: readonly string[];
  handle: Handle;
}

const readable = ['GET', 'HEAD'];

function createRouteTable(options: RoutesOptions): Record<string, Route> {
  const { admission, pingDatabase, auth } = options;
  const graphiql = createGraphiQLPage(admission, auth.openId !== null);
  const login = createLoginPage({ auth, admission });
  const graphql = serveGraphQL(options);
  const mcp = serveMcp(options);
  const usage = serveUsageExport(options);
  return {
    '/': {
      methods: readable,
      handle: ({ response }) => void response.writeHead(302, { location: '/graphql' }).end(),
    },
    '/graphql': {
      methods: ['GET', 'POST', 'OPTIONS'],
      handle: (visit) =>
        wantsPage(visit.request) ? graphiql(visit.request, visit.response) : graphql(visit),
    },
    '/login': {
      methods: ['GET', 'POST'],
      handle: ({ request, response }) => login(request, response),
    },
    ...openIdRoutes(options),
    '/health/live': {
      methods: readable,
      handle: ({ response }) => sendJson(response, 200, { status: 'live' }),
    },
    '/health/ready': {
      methods: readable,
      handle: ({ response }) =>
        sendReadiness(response, { pingDatabase, shuttingDown: admission.stopping() }),
    },
    '/metrics': { methods: readable, handle: serveMetrics(options) },
    ...(mcp && { '/mcp': { handle: mcp } }),
    ...(usage && { '/export/usage': { methods: ['GET'], handle: usage } }),
    '/export/audit': { methods: ['GET'], handle: serveAuditExport(options) },
  };
}

function openIdRoutes({ auth, log }: RoutesOptions): Record<string, Route> {
  if (!auth.openId) return {};
  const pages = createOpenIdPages({ openId: auth.openId, auth, log });
  return {
    [openIdPaths.begin]: {
      methods: ['GET'],
      handle: ({ request, response }) => pages.begin(request, response),
    },
    [openIdPaths.finish]: {
      methods: ['GET'],
      handle: ({ request, response }) => pages.finish(request, response),
    },
  };
}

/** The server's paths and their handlers. */
export function createRoutes(options: RoutesOptions) {
  const { log, isTrustedProxy } = options;
  const routes = createRouteTable(options);
  const answer = async (path: string, visit: HttpRequest): Promise<void> => {
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
    if (!route) return sendJson(visit.response, 404, { status: 'not found' });
    const { methods, handle } = route;
    if (methods && !methods.includes(visit.request.method ?? '')) throw wrongMethod(methods);
    return handle(visit);
  };
  return (request: IncomingMessage, response: ServerResponse): void => {
    const requestId = requestIdOf(request.headers['x-request-id']);
    noteVisitor(request, { requestId, address: clientAddress(request, isTrustedProxy) });
    response.setHeader('x-request-id', requestId);
    response.setHeader('x-content-type-options', 'nosniff');
    // An answer is its caller's, and what one origin may read another may not.
    response.setHeader('cache-control', 'no-store');
    const path = pathOf(request);
    answer(path, { request, response, requestId }).catch((error: unknown) => {
      if (error instanceof GraphQLError && !response.headersSent) {
        return sendRefusal(response, error, { requestId, asGraphQL: path === '/graphql' });
      }
      log.error({ err: error, requestId, path }, 'a request could not be answered');
      if (response.headersSent) response.destroy();
      else sendJson(response, 500, { status: 'internal error', requestId });
    });
  };
}

const wrongMethod = (methods: readonly string[]): GraphQLError =>
  refusal('BAD_USER_INPUT', `Use ${methods.join(' or ')}.`, {
    status: 405,
    headers: { allow: methods.join(', ') },
  });

function serveMetrics({ admission, metrics }: RoutesOptions): Handle {
  return async ({ request, response }) => {
    if (!(await maySeeMetrics(request, admission))) {
      throw refusal('FORBIDDEN', 'Metrics are for admins and operators, and for this machine.');
    }
    response.writeHead(200, { 'content-type': metrics.contentType });
    response.end(await metrics.text());
  };
}

async function maySeeMetrics(request: IncomingMessage, admission: Admission): Promise<boolean> {
  if (isLocal(request)) return true;
  const principal = await admission.identify(credentialsOf(request));
  return principal !== null && hasRole(principal, 'ADMIN', 'OPERATOR');
}

function serveGraphQL(options: RoutesOptions): Handle {
  const { handler, inFlight, watchdog, log, metrics } = options;
  return async ({ request, response, requestId }) => {
    // Yoga finds out when the work is done, and answers without a word.
    if (!accepts(request.headers.accept, answerTypes)) {
      throw refusal('BAD_USER_INPUT', `Accept one of ${answerTypes.join(', ')}.`, { status: 406 });
    }
    const outflow = watchdog.watch(response);
    const exchange = createExchange('http', requestId, outflow);
    outflow.follow(exchange);
    inFlight.begin(exchange);
    const stopChecking = checkKey(request, exchange, options);
    // Before Yoga listens: streams ask by this whether their client meant to go.
    response.once('close', () => {
      if (!response.writableFinished) exchange.disconnected.abort();
      stopChecking();
      inFlight.end(exchange);
      logOperation(exchange, { log, metrics, status: response.statusCode });
    });
    await handler(request, response, { req: request, exchange });
  };
}

/** Ends a stream whose key no longer holds. */
function checkKey(
  request: IncomingMessage,
  exchange: Exchange,
  { admission, keepAliveMs }: RoutesOptions,
): () => void {
  const check = async (): Promise<void> => {
    if (!exchange.giveUp || (await admission.stillHolds(credentialsOf(request)))) return;
    exchange.giveUp(
      refusal('UNAUTHENTICATED', 'The key of this stream no longer holds: sign in anew.'),
    );
  };
  const timer = setInterval(() => void check(), keepAliveMs).unref();
  return () => clearInterval(timer);
}

function serveUsageExport({ ledger, admission, watchdog }: RoutesOptions): Handle | null {
  if (!ledger) return null;
  const handle = createUsageExport({ ledger, admission });
  return ({ request, response, requestId }) => {
    watchdog.watch(response);
    return handle(request, response, requestId);
  };
}

function serveAuditExport({ auth, admission, watchdog }: RoutesOptions): Handle {
  const handle = createAuditExport({ audit: auth.audit, admission });
  return ({ request, response, requestId }) => {
    watchdog.watch(response);
    return handle(request, response, requestId);
  };
}

function serveMcp({ mcp, admission, bodyLimitBytes, log, watchdog }: RoutesOptions): Handle | null {
  if (!mcp) return null;
  const { registry, prompts, runs } = mcp.services;
  const { version } = mcp;
  const options = { registry, prompts, runs, version, admission, bodyLimitBytes, log };
  const handle = createMcpHandler(options);
  return ({ request, response }) => {
    watchdog.watch(response);
    return handle(request, response);
  };
}
