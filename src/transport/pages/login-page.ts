import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Auth } from '../../auth/auth.ts';
import { sessionCookie } from '../http/credentials.ts';
import { messagePage } from './message-page.ts';

function isSecure({ socket, headers }: IncomingMessage): boolean {
  return Boolean((socket as TLSSocket).encrypted) || headers['x-forwarded-proto'] === 'https';
}

/** `GET /login?once=SECRET`: trades the one-time link for a session cookie and goes on to GraphiQL. */
export function createLoginPage(auth: Auth) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const secret = new URL(request.url ?? '/', 'http://localhost').searchParams.get('once');
    const session = secret ? await auth.redeemLoginLink(secret) : null;
    if (!session) {
      messagePage(
        response,
        401,
        'This link does not work any more',
        'It signs in once, within 15 minutes of its making. Restart the server for a new one.',
      );
      return;
    }
    response.writeHead(303, {
      location: '/graphql',
      'set-cookie': [
        `${sessionCookie}=${session.session}`,
        'Path=/',
        'HttpOnly',
        'SameSite=Strict',
        `Expires=${session.expiresAt.toUTCString()}`,
        ...(isSecure(request) ? ['Secure'] : []),
      ].join('; '),
      'referrer-policy': 'no-referrer',
    });
    response.end();
  };
}
