import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TransportOptions } from '../create-transport.ts';
import type { GraphQLHandler } from '../graphql/create-graphql-handler.ts';
import { logOperation } from '../graphql/log-operation.ts';
import type { OperationsInFlight } from '../graphql/operations-in-flight.ts';
import { createMcpHandler } from '../mcp/create-mcp-handler.ts';
import { createGraphiQLPage, wantsPage } from '../pages/graphiql-page.ts';
import { sendJson, sendReadiness } from '../pages/health.ts';
import { createLoginPage } from '../pages/login-page.ts';
import { createUsageExport } from '../pages/usage-export.ts';
import { accepts, answerTypes } from './accepted-types.ts';
import type { Admission } from './admission.ts';
import { credentialsOf, isLocal } from './credentials.ts';
import { createExchange, type Exchange, requestIdOf } from './exchange.ts';
import { pathOf } from './request-path.ts';
import { refusal } from './request-refusal.ts';
import type { ResponseWatchdog } from './response-watchdog.ts';

interface RoutesOptions extends TransportOptions {
  handler: GraphQLHandler;
  admission: Admission;
  inFlight: OperationsInFlight;
  watchdog: ResponseWatchdog;
  keepAliveMs: number;
}

interface HttpRequest {
  request: IncomingMessage;
  response: ServerResponse;
  requestId: string;
}

type Handle = (visit: HttpRequest) => void | Promise<void>;

/** What answers at which path. */
export function createRoutes(options: RoutesOptions) {
  const { admission, pingDatabase, log, metrics, auth } = options;
  const graphiql = createGraphiQLPage(admission);
  const login = createLoginPage(auth);
  const graphql = serveGraphQL(options);
  const routes: Record<string, Handle> = {
    '/': ({ response }) => void response.writeHead(302, { location: '/graphql' }).end(),
    '/graphql': (visit) =>
      wantsPage(visit.request) ? graphiql(visit.request, visit.response) : graphql(visit),
    '/login': ({ request, response }) =>
      request.method === 'GET'
        ? login(request, response)
        : sendJson(response, 405, { status: 'use GET' }),
    '/health/live': ({ response }) => sendJson(response, 200, { status: 'live' }),
    '/health/ready': ({ response }) =>
      sendReadiness(response, { pingDatabase, shuttingDown: admission.stopping() }),
    '/metrics': async ({ request, response }) => {
      if (!(await maySeeMetrics(request, admission))) {
        return sendJson(response, 403, { status: 'for admins, and for this machine' });
      }
      response.writeHead(200, { 'content-type': metrics.contentType });
      response.end(await metrics.text());
    },
  };
  const mcp = serveMcp(options);
  if (mcp) routes['/mcp'] = mcp;
  const usage = serveUsageExport(options);
  if (usage) routes['/export/usage'] = usage;
  const notFound: Handle = ({ response }) => sendJson(response, 404, { status: 'not found' });

  return (request: IncomingMessage, response: ServerResponse): void => {
    const requestId = requestIdOf(request.headers['x-request-id']);
    response.setHeader('x-request-id', requestId);
    response.setHeader('x-content-type-options', 'nosniff');
    // An answer is its caller's, and what one origin may read another may not.
    response.setHeader('cache-control', 'no-store');
    const path = pathOf(request);
    const handle = Object.hasOwn(routes, path) ? routes[path] : undefined;
    Promise.resolve((handle ?? notFound)({ request, response, requestId })).catch((error) => {
      log.error({ err: error, requestId, path }, 'a request could not be answered');
      if (response.headersSent) response.destroy();
      else sendJson(response, 500, { status: 'internal error', requestId });
    });
  };
}

async function maySeeMetrics(request: IncomingMessage, admission: Admission): Promise<boolean> {
  if (isLocal(request)) return true;
  const principal = await admission.identify(credentialsOf(request));
  return principal?.roles.includes('ADMIN') ?? false;
}

function serveGraphQL(options: RoutesOptions): Handle {
  const { handler, inFlight, watchdog, log, metrics } = options;
  return async ({ request, response, requestId }) => {
    // Yoga finds out when the work is done, and answers without a word.
    if (!accepts(request.headers.accept, answerTypes)) {
      const message = `Accept one of ${answerTypes.join(', ')}.`;
      const extensions = { code: 'BAD_USER_INPUT', requestId };
      return sendJson(response, 406, { errors: [{ message, extensions }] });
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
