import type { IncomingMessage } from 'node:http';
import type { Credentials } from '../../auth/auth.ts';
import { isLoopback } from '../../kernel/is-loopback.ts';
import { endUserOfHeaders } from './end-user.ts';
import { cookieOf, sessionCookie } from './session-cookie.ts';
import { visitorOf } from './visitor.ts';

/**
 * The request's own header, else its browser session, and the end user that it names. Browsers send cookies along with a WebSocket, and old ones with
 * other requests, whichever page makes them: a session counts for pages of this server only.
 */
export const credentialsOf = (request: IncomingMessage): Credentials => ({
  authorization: request.headers.authorization ?? null,
  session: isSameOrigin(request) ? cookieOf(request, sessionCookie) : null,
  endUser: endUserOfHeaders(request),
  visitor: visitorOf(request),
});

/** Whether a page of this very server made the request, or no page at all. */
export function isSameOrigin({ headers }: IncomingMessage): boolean {
  if (headers.origin === undefined) return true;
  const host = headers.host;
  return host !== undefined && URL.parse(headers.origin)?.host === host.toLowerCase();
}

const localHost = /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/i;

const proxyHeaders = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-proto', 'x-real-ip'];

/**
 * Whether a request comes from this machine, without a proxy between, and addresses it by name. The name is checked
 * because a page of anywhere can point a name of its own at 127.0.0.1. nginx speaks HTTP/1.0 and adds no header unless
 * it is configured to.
 */
export function isLocal({ socket, headers, httpVersion }: IncomingMessage): boolean {
  if (!isLoopback(socket.remoteAddress ?? '') || !localHost.test(headers.host ?? '')) return false;
  return httpVersion !== '1.0' && !proxyHeaders.some((name) => headers[name] !== undefined);
}
