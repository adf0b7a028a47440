import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { StartedSession } from '../../auth/auth.ts';

export const sessionCookie = 'tessera_session';

function isSecure({ socket, headers }: IncomingMessage): boolean {
  return Boolean((socket as TLSSocket).encrypted) || headers['x-forwarded-proto'] === 'https';
}

/** A cookie of the request; null when there is none of this name. */
export function cookieOf({ headers }: IncomingMessage, name: string): string | null {
  for (const pair of (headers.cookie ?? '').split(';')) {
    const [key = '', value = ''] = pair.split('=', 2);
    if (key.trim() === name) return value.trim();
  }
  return null;
}

interface CookieOptions {
  path: string;
  sameSite: 'Strict' | 'Lax';
  expires: Date;
}

/** Sets a cookie that scripts cannot read, for https only where that is spoken. */
export function setCookie(
  { request, response }: { request: IncomingMessage; response: ServerResponse },
  [name, value]: readonly [string, string],
  { path, sameSite, expires }: CookieOptions,
): void {
  const attributes = [
    `${name}=${value}`,
    `Path=${path}`,
    'HttpOnly',
    `SameSite=${sameSite}`,
    `Expires=${expires.toUTCString()}`,
    ...(isSecure(request) ? ['Secure'] : []),
  ];
  response.appendHeader('set-cookie', attributes.join('; '));
}

/** Signs the browser in. */
export const setSessionCookie = (
  exchange: { request: IncomingMessage; response: ServerResponse },
  { session, expiresAt }: StartedSession,
): void =>
  setCookie(exchange, [sessionCookie, session], {
    path: '/',
    sameSite: 'Strict',
    expires: expiresAt,
  });
