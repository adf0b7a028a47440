import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError, errorBody } from '../api-error.ts';

/** The API's own limit for a request body. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;
const LIMITS = {
  requests: 4_000,
  tokens: 4_000_000,
  'input-tokens': 2_000_000,
  'output-tokens': 800_000,
} as const;

/** Reads a body of at most 32 MB; throws a 413 beyond. */
export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    // Read on to the end: a client that is still writing would see a reset instead of the status.
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  if (size > MAX_BODY_BYTES) throw new ApiError(413, 'Request exceeds the maximum size');
  return Buffer.concat(chunks).toString('utf8');
}

/** `request-id` and the `anthropic-ratelimit-*` family, as every answer of the API carries them. */
export function apiHeaders(requestId: string, openCalls: number): Record<string, string> {
  const headers: Record<string, string> = {
    'request-id': requestId,
    'anthropic-organization-id': '00000000-0000-4000-8000-000000000000',
  };
  const reset = new Date(Math.ceil(Date.now() / 60_000) * 60_000).toISOString().replace('.000', '');
  for (const [name, limit] of Object.entries(LIMITS)) {
    headers[`anthropic-ratelimit-${name}-limit`] = String(limit);
    headers[`anthropic-ratelimit-${name}-remaining`] = String(Math.max(0, limit - openCalls));
    headers[`anthropic-ratelimit-${name}-reset`] = reset;
  }
  return headers;
}

export function sendJson(
  response: ServerResponse,
  status: number,
  content: { body: unknown; headers?: Record<string, string> },
): void {
  response.writeHead(status, { ...content.headers, 'content-type': 'application/json' });
  response.end(JSON.stringify(content.body));
}

/** Writes an error in the API's form; anything but an {@link ApiError} is a 500. */
export function sendError(
  response: ServerResponse,
  error: unknown,
  context: { requestId: string; headers: Record<string, string> },
): number {
  const known =
    error instanceof ApiError
      ? error
      : new ApiError(500, `Internal server error: ${String(error)}`);
  sendJson(response, known.status, {
    body: errorBody(known, context.requestId),
    headers: { ...context.headers, ...known.headers },
  });
  return known.status;
}
