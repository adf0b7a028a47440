import type { ServerResponse } from 'node:http';

/** A page for a person, with one thing to say. Only fixed texts: nothing of the request goes in. */
export function messagePage(
  response: ServerResponse,
  status: number,
  title: string,
  message: string,
): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy':
      "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
  });
  response.end(`<!doctype html><html lang="en"><meta charset="utf-8"><title>${title} · Tessera</title>
<body style="font: 16px/1.5 system-ui; max-width: 34em; margin: 20vh auto; padding: 0 1em">
<h1 style="font-size: 1.3em">${title}</h1><p>${message}</p></body></html>`);
}
