import {
  type ExecutionArgs,
  type FormattedExecutionResult,
  type GraphQLError,
  getOperationAST,
} from 'graphql';
import type { OperationResult, ServerOptions, SubscribePayload } from 'graphql-ws';
import type { Credentials } from '../../auth/auth.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../telemetry/create-metrics.ts';
import type { GraphQLHandler } from '../graphql/create-graphql-handler.ts';
import type { ErrorFormatter } from '../graphql/error-formatter.ts';
import { assertShallow } from '../graphql/input-depth.ts';
import { logOperation } from '../graphql/log-operation.ts';
import type { OperationsInFlight } from '../graphql/operations-in-flight.ts';
import type { Admission } from '../http/admission.ts';
import { credentialsOf } from '../http/credentials.ts';
import { endUserHeaders, endUserOf } from '../http/end-user.ts';
import { createExchange, type Exchange, requestIdOf } from '../http/exchange.ts';
import { refusal } from '../http/request-refusal.ts';
import type { SocketState } from './websocket-connection.ts';

export interface WebSocketOptions {
  handler: GraphQLHandler;
  admission: Admission;
  format: ErrorFormatter;
  inFlight: OperationsInFlight;
  metrics: Metrics;
  log: Log;
}

/** Subscriptions and other operations that one socket may have open. */
export const maxOperationsPerSocket = 100;

type Hooks = ServerOptions<Record<string, unknown>, SocketState>;

interface Engine {
  execute: (args: ExecutionArgs) => OperationResult;
  subscribe: (args: ExecutionArgs) => OperationResult;
}

/** What an engine throws would close the socket. */
async function attempt(run: () => OperationResult): Promise<Awaited<OperationResult>> {
  try {
    return await run();
  } catch (error) {
    return { errors: [error as GraphQLError] };
  }
}

const engineOf = (args: ExecutionArgs) => args.rootValue as Engine;

/** How the operations of a socket run: admitted, parsed, executed and told of as over HTTP. */
export function createWebSocketHooks(options: WebSocketOptions): Hooks {
  const { admission, format, inFlight, metrics, log } = options;
  // By the message, not by its id: a client may use the id anew while the old operation is still ending.
  const exchanges = new WeakMap<SubscribePayload, Exchange>();
  const end = (state: SocketState, exchange: Exchange, errors: readonly unknown[]) => {
    const formatted = errors.map((error) => format(error, exchange));
    inFlight.end(exchange);
    if (state.open.delete(exchange)) logOperation(exchange, { log, metrics });
    return formatted;
  };
  return {
    connectionInitWaitTimeout: 10_000,
    execute: (args) => attempt(() => engineOf(args).execute(args)),
    subscribe: (args) => attempt(() => engineOf(args).subscribe(args)),
    async onConnect({ connectionParams, extra }) {
      try {
        extra.credentials = credentialsFrom(connectionParams ?? {}, extra);
      } catch {
        return false;
      }
      const { authorization, session } = extra.credentials;
      // Wrong credentials end the socket with 4403. Without any it may stay, and each operation says what is missing.
      if (!authorization && !session) return true;
      return admission.admits(extra.credentials);
    },
    async onSubscribe({ extra }, _id, payload) {
      const exchange = createExchange('websocket', requestIdOf(undefined), extra.outbox);
      exchanges.set(payload, exchange);
      extra.open.add(exchange);
      inFlight.begin(exchange);
      try {
        if (extra.open.size > maxOperationsPerSocket) throw tooManyOperations();
        await admission.admit(exchange, extra.credentials, 'any');
        assertShallow(payload.variables);
        const prepared = await prepare(options.handler, payload, exchange);
        if ('schema' in prepared) return prepared;
        return end(extra, exchange, prepared);
      } catch (error) {
        return end(extra, exchange, [error]);
      }
    },
    onNext(_socket, _id, payload, _args, result) {
      const exchange = exchanges.get(payload);
      if (!result.errors?.length || !exchange) return;
      const hasData = 'data' in result;
      const errors = result.errors.map((error) => format(error, exchange, hasData).toJSON());
      return { ...(result as FormattedExecutionResult), errors };
    },
    onError(_socket, _id, payload, errors) {
      const exchange = exchanges.get(payload);
      return exchange && errors.map((error) => format(error, exchange).toJSON());
    },
    onComplete({ extra }, _id, payload) {
      const exchange = exchanges.get(payload);
      if (exchange) end(extra, exchange, []);
    },
  };
}

const tooManyOperations = () =>
  refusal(
    'RATE_LIMITED',
    `This connection has ${maxOperationsPerSocket} operations open, which is the most. End some first.`,
  );

/** A member of `connection_init`. Clients hand on what people call headers, whose names have no case. */
function memberOf(parameters: Record<string, unknown>, name: string): unknown {
  const key = Object.keys(parameters).find((candidate) => candidate.toLowerCase() === name);
  return key === undefined ? undefined : parameters[key];
}

/** The key of `connection_init`; else the headers and the browser session of the request that opened the socket. */
function credentialsFrom(
  parameters: Record<string, unknown>,
  { request }: SocketState,
): Credentials {
  const authorization = memberOf(parameters, 'authorization');
  const named = endUserOf(
    memberOf(parameters, endUserHeaders.user),
    memberOf(parameters, endUserHeaders.groups),
  );
  const own = credentialsOf(request);
  const endUser = named ?? own.endUser ?? null;
  if (typeof authorization === 'string' && authorization) return { ...own, authorization, endUser };
  return { ...own, endUser };
}

/**
 * Parses and validates. Malformed documents come back as errors of this one operation: thrown, they would close the
 * socket with everything else on it.
 */
async function prepare(
  handler: GraphQLHandler,
  { query, operationName, variables, extensions }: SubscribePayload,
  exchange: Exchange,
): Promise<ExecutionArgs | readonly GraphQLError[]> {
  const params = { query, operationName, variables, extensions };
  const { schema, parse, validate, contextFactory, execute, subscribe } = handler.getEnveloped({
    exchange,
    params,
  } as never);
  const document = parse(query);
  const errors = validate(schema, document);
  if (errors.length > 0) return errors;
  if (!getOperationAST(document, operationName)) {
    throw refusal(
      'BAD_USER_INPUT',
      'The document has no operation of this name, or several and no name.',
    );
  }
  const contextValue = await contextFactory();
  return {
    schema,
    document,
    contextValue,
    rootValue: { execute, subscribe } satisfies Record<keyof Engine, unknown>,
    ...(operationName ? { operationName } : {}),
    ...(variables ? { variableValues: variables } : {}),
  };
}
