import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Auth } from '../../auth/auth.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/message-of.ts';
import { refusal } from '../http/request-refusal.ts';
import { cookieOf, setCookie, setSessionCookie } from '../http/session-cookie.ts';
import { visitorOf } from '../http/visitor.ts';
import { sendSignedInPage, sendSignInPage } from './sign-in-page.ts';

type OpenId = NonNullable<Auth['openId']>;
type SignInState = Parameters<OpenId['finish']>[1];

export interface OpenIdPagesOptions {
  openId: OpenId;
  auth: Pick<Auth, 'startSession'>;
  log: Log;
}

export const openIdPaths = { begin: '/login/oidc', finish: '/login/oidc/callback' } as const;

const stateCookie = 'tessera_sign_in';
const signInLifetimeMs = 10 * 60_000;

const failed = {
  status: 401,
  title: 'Sign-in did not succeed',
  message: 'Your identity provider and this server did not come to terms. Try again.',
  openId: true,
};
const withoutRole = {
  status: 403,
  title: 'You have no role on this server',
  message:
    'You are signed in with your identity provider, which gives you no role here. Ask whoever runs this server.',
  openId: true,
};

function readState(request: IncomingMessage): SignInState | null {
  try {
    const text = Buffer.from(cookieOf(request, stateCookie) ?? '', 'base64url').toString();
    const { state, nonce, verifier } = JSON.parse(text) as Record<string, unknown>;
    const isWhole = [state, nonce, verifier].every((part) => typeof part === 'string' && part);
    return isWhole ? ({ state, nonce, verifier } as SignInState) : null;
  } catch {
    return null;
  }
}

/** Sends the browser to the identity provider, and signs it in when it comes back. */
export function createOpenIdPages({ openId, auth, log }: OpenIdPagesOptions) {
  return {
    async begin(request: IncomingMessage, response: ServerResponse): Promise<void> {
      const begun = await openId.begin().catch((error: unknown) => {
        log.error({ err: error }, 'the identity provider cannot be asked');
        throw refusal('INTERNAL_SERVER_ERROR', 'The identity provider does not answer.', {
          status: 503,
        });
      });
      const value = Buffer.from(JSON.stringify(begun.state)).toString('base64url');
      const expires = new Date(Date.now() + signInLifetimeMs);
      // Lax: the provider's redirect comes from another site.
      setCookie({ request, response }, [stateCookie, value], {
        path: openIdPaths.begin,
        sameSite: 'Lax',
        expires,
      });
      response.writeHead(302, { location: begun.url.href, 'referrer-policy': 'no-referrer' }).end();
    },
    async finish(request: IncomingMessage, response: ServerResponse): Promise<void> {
      const state = readState(request);
      const { search } = new URL(request.url ?? '/', 'http://localhost');
      setCookie({ request, response }, [stateCookie, ''], {
        path: openIdPaths.begin,
        sameSite: 'Lax',
        expires: new Date(0),
      });
      if (!state) return sendSignInPage(response, failed);
      const principal = await openId.finish(search, state).catch((error: unknown) => {
        const { requestId, address } = visitorOf(request);
        log.warn(
          { requestId, address, reason: messageOf(error) },
          'a sign-in by the identity provider failed',
        );
        return null;
      });
      if (!principal) return sendSignInPage(response, failed);
      if (principal.roles.length === 0) return sendSignInPage(response, withoutRole);
      const visitor = visitorOf(request);
      const started = await auth.startSession(principal, { method: 'OPENID', visitor });
      setSessionCookie({ request, response }, started);
      sendSignedInPage(response);
    },
  };
}
