import { useCSRFPrevention } from '@graphql-yoga/plugin-csrf-prevention';
import { useDeferStream } from '@graphql-yoga/plugin-defer-stream';
import type { GraphQLSchema } from 'graphql';
import { createYoga, type YogaServerInstance } from 'graphql-yoga';
import type { Caller } from '../../kernel/access/principal.ts';
import type { ContextRequest, GraphQLContext } from '../../schema/context.ts';
import type { Metrics } from '../../telemetry/create-metrics.ts';
import type { Admission } from '../http/admission.ts';
import { createDocumentCache } from './document-cache.ts';
import { documentLimitPlugins } from './document-limits.ts';
import type { ErrorFormatter } from './error-formatter.ts';
import { readMaxCost, useCostReport } from './use-cost-report.ts';
import { useErrorFormat } from './use-error-format.ts';
import { type OperationContext, useOperations } from './use-operations.ts';
import { type ServerContext, useRequestIntake } from './use-request-intake.ts';
import { useShutdown } from './use-shutdown.ts';

export type CreateContext = (caller: Caller | null, request: ContextRequest) => GraphQLContext;

export interface GraphQLHandlerOptions {
  schema: GraphQLSchema;
  createContext: CreateContext;
  admission: Admission;
  format: ErrorFormatter;
  metrics: Metrics;
  bodyLimitBytes: number;
  corsOrigins: readonly string[];
}

export type GraphQLHandler = YogaServerInstance<ServerContext, OperationContext>;

/** Headers that a page of another origin may send. */
const requestHeaders = [
  'authorization',
  'content-type',
  'x-request-id',
  'x-graphql-yoga-csrf',
  'x-tessera-cost',
  'x-tessera-max-cost',
];

/**
 * Only the named origins' pages may read answers, and never with cookies: they send a key. Per request, because Yoga's
 * own list answers other origins with "null", which sandboxed pages have.
 */
function corsFor(origins: readonly string[]) {
  if (origins.length === 0) return false;
  return (request: Request) => {
    const origin = request.headers.get('origin') ?? '';
    if (!origins.includes(origin) && !origins.includes('*')) return false;
    return {
      origin,
      credentials: false,
      methods: ['GET', 'POST'],
      allowedHeaders: [...requestHeaders],
      exposedHeaders: ['x-request-id', 'retry-after'],
      maxAge: 600,
    };
  };
}

/** GraphQL over HTTP (JSON, server-sent events, multipart), and the engine that the WebSocket shares. */
export function createGraphQLHandler(options: GraphQLHandlerOptions): GraphQLHandler {
  const { schema, createContext, admission, format, metrics, bodyLimitBytes } = options;
  return createYoga<ServerContext, OperationContext>({
    schema,
    context: ({ exchange, params, req }) => ({
      ...createContext(exchange.caller, {
        address: exchange.address,
        disconnected: exchange.disconnected.signal,
        extensions: params.extensions,
        maxCost: readMaxCost(req?.headers),
      }),
      exchange,
    }),
    cors: corsFor(options.corsOrigins),
    plugins: [
      useRequestIntake({ admission, bodyLimitBytes }),
      useCSRFPrevention({ requestHeaders: ['authorization', 'x-graphql-yoga-csrf'] }),
      ...documentLimitPlugins,
      useShutdown(admission),
      useDeferStream(),
      useOperations(metrics),
      useCostReport(),
      useErrorFormat(format),
    ],
    parserAndValidationCache: createDocumentCache(),
    // Each has its own place: the intake, the error format, the routes of the HTTP server.
    maxRequestBodySize: false,
    maskedErrors: false,
    logging: false,
    graphiql: false,
    landingPage: false,
    multipart: false,
  });
}
