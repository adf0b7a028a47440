import type { ServerResponse } from 'node:http';
import type { GraphQLError } from 'graphql';

interface HttpHint {
  status?: number;
  headers?: Record<string, string>;
}

/** Sends a refusal as JSON by its status: as `errors` where GraphQL is spoken, else as `code` and `message`. */
export function sendRefusal(
  response: ServerResponse,
  { message, extensions }: GraphQLError,
  { requestId, asGraphQL = false }: { requestId: string; asGraphQL?: boolean },
): void {
  const { http, ...details } = extensions;
  const { status = 400, headers = {} } = (http ?? {}) as HttpHint;
  const body = asGraphQL
    ? { errors: [{ message, extensions: { ...details, requestId } }] }
    : { ...details, message, requestId };
  response.writeHead(status, { ...headers, 'content-type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify(body));
}
