import type { IncomingMessage } from 'node:http';
import type { Credentials } from '../../auth/auth.ts';

export const sessionCookie = 'tessera_session';

function cookieOf(request: IncomingMessage, name: string): string | null {
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const [key = '', value = ''] = pair.split('=', 2);
    if (key.trim() === name) return value.trim();
  }
  return null;
}

/** The request's own header, else its browser session. */
export const credentialsOf = (request: IncomingMessage): Credentials => ({
  authorization: request.headers.authorization ?? null,
  session: cookieOf(request, sessionCookie),
});

/**
 * Was the request made by a page of this very server, or by no page at all? Browsers send cookies along with a
 * WebSocket whatever page opens it, so a session counts for pages of our own only.
 */
export function isSameOrigin({ headers }: IncomingMessage): boolean {
  if (headers.origin === undefined) return true;
  const host = headers.host;
  return host !== undefined && URL.parse(headers.origin)?.host === host.toLowerCase();
}

const localHost = /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/i;

/**
 * Did it come from this machine, without a proxy between, and meant for it by name? The name is checked because a page
 * of anywhere can point a name of its own at 127.0.0.1.
 */
export function isLocal({ socket, headers }: IncomingMessage): boolean {
  const address = socket.remoteAddress ?? '';
  const loopback = address === '::1' || /^(::ffff:)?127\./.test(address);
  const proxied = headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined;
  return loopback && !proxied && localHost.test(headers.host ?? '');
}
