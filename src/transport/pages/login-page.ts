import type { IncomingMessage, ServerResponse } from 'node:http';
import { GraphQLError } from 'graphql';
import type { Auth, StartedSession } from '../../auth/auth.ts';
import type { Admission } from '../http/admission.ts';
import { credentialsOf, isSameOrigin } from '../http/credentials.ts';
import { readFormBody } from '../http/read-form-body.ts';
import { refusal } from '../http/request-refusal.ts';
import { setSessionCookie } from '../http/session-cookie.ts';
import { visitorOf } from '../http/visitor.ts';
import { sendSignInPage } from './sign-in-page.ts';

export interface LoginPageOptions {
  auth: Pick<Auth, 'redeemLoginLink' | 'startSession' | 'openId'>;
  admission: Pick<Admission, 'identify' | 'admits'>;
}

const usedLink = {
  status: 401,
  title: 'This link does not work any more',
  message:
    'It signs in once, within 15 minutes of its making. Enter a key instead, or have a new link made.',
};
const noLink = { status: 401, title: 'Sign in', message: 'Enter a key of this server.' };
const wrongKey = {
  status: 401,
  title: 'This key does not sign in',
  message: 'It is unknown, expired or revoked. Enter another.',
};

/**
 * `GET /login?once=SECRET` trades a one-time link for a session and goes on to GraphiQL; without a link that works it
 * shows a form. `POST /login` trades a key in the form for a session.
 */
export function createLoginPage({ auth, admission }: LoginPageOptions) {
  const openId = auth.openId !== null;
  const byLink = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const secret = new URL(request.url ?? '/', 'http://localhost').searchParams.get('once');
    const started = secret ? await auth.redeemLoginLink(secret, visitorOf(request)) : null;
    if (started) return goOn(request, response, started);
    // Followed again by a browser that it has signed in.
    if (secret && (await admission.admits(credentialsOf(request)))) return goOn(request, response);
    sendSignInPage(response, { ...(secret ? usedLink : noLink), openId });
  };
  const byKey = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (!isSameOrigin(request)) throw refusal('FORBIDDEN', 'Sign in on a page of this server.');
    const key = (await readFormBody(request)).get('key')?.trim() ?? '';
    const visitor = visitorOf(request);
    const principal = await admission
      .identify({ authorization: `Bearer ${key}`, visitor })
      .catch((error: unknown) => {
        if (!(error instanceof GraphQLError)) throw error;
        return error;
      });
    if (principal instanceof GraphQLError) {
      const { status = 401 } = principal.extensions['http'] as { status?: number };
      return sendSignInPage(response, { ...wrongKey, status, message: principal.message, openId });
    }
    if (!principal) return sendSignInPage(response, { ...wrongKey, openId });
    goOn(request, response, await auth.startSession(principal, { method: 'KEY', visitor }));
  };
  return (request: IncomingMessage, response: ServerResponse): Promise<void> =>
    request.method === 'POST' ? byKey(request, response) : byLink(request, response);
}

function goOn(request: IncomingMessage, response: ServerResponse, started?: StartedSession): void {
  if (started) setSessionCookie({ request, response }, started);
  response.writeHead(303, { location: '/graphql', 'referrer-policy': 'no-referrer' });
  response.end();
}
