import { GraphQLError } from 'graphql';
import { type Issue, isDomainError } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import { badUserInput } from '../../schema/limits/request-error.ts';
import type { Exchange } from '../http/exchange.ts';
import { refusal } from '../http/request-refusal.ts';

/** Turns whatever was thrown into what a client may see. `hasData` is false when nothing was executed at all. */
export type ErrorFormatter = (
  error: unknown,
  exchange: Exchange,
  hasData?: boolean,
) => GraphQLError;

// Names that Yoga and the executor give to what the public surface has one name for.
const ownNames: Record<string, string> = {
  BAD_REQUEST: 'BAD_USER_INPUT',
  REQUEST_ENTITY_TOO_LARGE: 'BAD_USER_INPUT',
  OPERATION_RESOLUTION_FAILURE: 'BAD_USER_INPUT',
};

interface HttpHint {
  status?: number;
  spec?: boolean;
  headers?: Record<string, string>;
}

function rootOf(error: unknown): unknown {
  let root = error;
  while (root instanceof GraphQLError && root.originalError) root = root.originalError;
  return root;
}

/**
 * Tells a variable's wrong value as the checks of arguments do: by its place and by what is wrong there. GraphQL has the
 * place in its message alone, beside the value, which may be a prompt and is left out.
 */
function variableIssue({ message, originalError, path }: GraphQLError): Issue | null {
  if (path) return null;
  const [, variable] = /^Variable "\$(\w+)"/.exec(message) ?? [];
  if (variable === undefined) return null;
  const reason = originalError?.message ?? message;
  const before = message.slice(0, -reason.length);
  const [, place = variable] = / at "([^"]+)"; $/.exec(before) ?? [];
  return { path: place.split(/[.[\]]+/).filter(Boolean), message: reason };
}

/** The code of an error that GraphQL itself made, or null when it tells of a fault of ours. */
function codeOf(error: GraphQLError, path: GraphQLError['path']): string | null {
  const { code, http } = error.extensions;
  if (typeof code === 'string') return ownNames[code] ?? code;
  if ((http as HttpHint | undefined)?.status === 403) return 'FORBIDDEN';
  if (error.message.startsWith('Syntax Error')) return 'GRAPHQL_PARSE_FAILED';
  // Before execution only a request can be wrong; after it began, only an argument.
  return !path || error.message.startsWith('Argument "') ? 'BAD_USER_INPUT' : null;
}

/**
 * Yoga marks all that fails in parsing as by the specification, by which `accept: application/json` is answered 200. Our
 * limits are not of the specification.
 */
function httpHint({ extensions }: GraphQLError, code: string): HttpHint | undefined {
  const { spec, ...hint } = (extensions['http'] ?? {}) as HttpHint;
  if (hint.status === undefined) return undefined;
  return spec && code !== 'OPERATION_TOO_EXPENSIVE' ? { ...hint, spec } : hint;
}

function publicDetails(extensions: Record<string, unknown>): Record<string, unknown> {
  const { originalError: _, unexpected: __, stacktrace: ___, http: ____, ...rest } = extensions;
  return rest;
}

const internalErrorMessage =
  'Something went wrong on our side. If it goes on, tell us the request id.';

export function createErrorFormatter(log: Log): ErrorFormatter {
  const mask = (error: unknown, exchange: Exchange, path: GraphQLError['path']): GraphQLError => {
    const { requestId, caller, operation } = exchange;
    log.error(
      { err: error, requestId, userId: caller?.userId, operation: operation?.name, path },
      'unexpected error',
    );
    return refusal('INTERNAL_SERVER_ERROR', internalErrorMessage);
  };

  const translate = (
    root: unknown,
    exchange: Exchange,
    path: GraphQLError['path'],
  ): GraphQLError => {
    if (isDomainError(root)) {
      const { code, retryable } = root;
      return new GraphQLError(root.message, { extensions: { code, retryable } });
    }
    if (!(root instanceof GraphQLError)) return mask(root, exchange, path);
    const code = codeOf(root, path);
    if (code === null) return mask(root, exchange, path);
    const http = httpHint(root, code);
    const extensions = { ...publicDetails(root.extensions), code, ...(http ? { http } : {}) };
    return new GraphQLError(root.message, { extensions });
  };

  return (error, exchange, hasData = false) => {
    const at = error instanceof GraphQLError ? error : null;
    const issue = at && variableIssue(at);
    const { message, extensions } = issue
      ? badUserInput([issue])
      : translate(rootOf(error), exchange, at?.path);
    const { http, ...details } = extensions;
    const requestId = exchange.requestId;
    if (exchange.outcome === 'OK') exchange.outcome = String(details['code']);
    return new GraphQLError(message, {
      ...(at?.nodes ? { nodes: at.nodes } : {}),
      ...(at?.source ? { source: at.source } : {}),
      ...(at?.positions ? { positions: at.positions } : {}),
      ...(at?.path ? { path: at.path } : {}),
      // Only HTTP has a status, and only where nothing was executed.
      extensions:
        hasData || exchange.transport === 'websocket' || !http
          ? { ...details, requestId }
          : { ...details, requestId, http },
    });
  };
}
