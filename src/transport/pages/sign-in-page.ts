import type { ServerResponse } from 'node:http';

/** What a person is shown who is not signed in. Only fixed texts: nothing of the request goes in. */
export interface SignInPage {
  status: number;
  title: string;
  message: string;
  /** Whether an identity provider can be asked. */
  openId: boolean;
}

const style = `body { font: 16px/1.5 system-ui, sans-serif; max-width: 34em; margin: 16vh auto; padding: 0 1em }
h1 { font-size: 1.3em } label { display: block } input, button, a.button { font: inherit; padding: .4em .7em }
input { width: 100%; box-sizing: border-box; margin: .3em 0 .7em } form { margin: 1.5em 0 }
a.button { border: 1px solid; border-radius: .3em; text-decoration: none } code { font-size: .95em }`;

const provider = '<p><a class="button" href="/login/oidc">Sign in with your organisation</a></p>';

/** A page with a form for a key, and the other ways in. */
export function sendSignInPage(
  response: ServerResponse,
  { status, title, message, openId }: SignInPage,
): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy':
      "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    // With no-referrer the browser would send the form from the origin "null".
    'referrer-policy': 'same-origin',
  });
  response.end(`<!doctype html><html lang="en"><meta charset="utf-8"><title>${title} · Tessera</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>${style}</style>
<h1>${title}</h1><p>${message}</p>${openId ? provider : ''}
<form method="post" action="/login"><label>Key
<input name="key" type="password" autocomplete="current-password" autofocus required></label>
<button>Sign in</button></form>
<p>On the server's machine, <code>npx tessera login</code> makes a new link.</p></html>`);
}

/**
 * Goes on to GraphiQL from a page of this server: a redirect in a chain that another site began would leave the cookie
 * behind, which is for this site only.
 */
export function sendSignedInPage(response: ServerResponse): void {
  response.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    'referrer-policy': 'no-referrer',
  });
  response.end(`<!doctype html><html lang="en"><meta charset="utf-8"><title>Signed in · Tessera</title>
<meta http-equiv="refresh" content="0; url=/graphql"><p><a href="/graphql">Go on</a></p></html>`);
}
