import type { IncomingMessage } from 'node:http';
import { refusal } from './request-refusal.ts';

const tooLarge = (limit: number) =>
  refusal('BAD_USER_INPUT', `The request body is larger than ${limit} bytes.`, {
    status: 413,
  });

/** Is it declared as JSON? Nothing else is taken: a form of another site may send other types without asking. */
export function isJson(contentType: string | undefined): boolean {
  const [type = '', ...parameters] = (contentType ?? '').toLowerCase().split(';');
  const charset = parameters.map((text) => text.trim()).find((text) => text.startsWith('charset='));
  const utf8 = charset === undefined || /^charset="?utf-?8"?$/.test(charset);
  return type.trim() === 'application/json' && utf8;
}

/** The body of a request as text in UTF-8. Refuses with 413 as soon as it is too long. */
export async function readBody(request: IncomingMessage, limit: number): Promise<string> {
  if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLarge(limit);
  return decode(await readBytes(request, limit));
}

/** The body of a request as JSON. Refuses with 413 as soon as it is too long, and with 400 when it is not
 * JSON in UTF-8. */
export async function readJsonBody(request: IncomingMessage, limit: number): Promise<unknown> {
  const text = await readBody(request, limit);
  try {
    return JSON.parse(text);
  } catch {
    throw refusal('BAD_USER_INPUT', 'The request body is not valid JSON.');
  }
}

/** Bytes that are no UTF-8 must not become U+FFFD: the client would store what it never wrote. */
function decode(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw refusal('BAD_USER_INPUT', 'The request body is not valid UTF-8.');
  }
}

function readBytes(request: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= limit) {
        chunks.push(chunk);
        return;
      }
      // The rest is read and thrown away: closing now could cost the client the answer.
      chunks.length = 0;
      request.removeAllListeners('data').resume();
      reject(tooLarge(limit));
    });
    request.once('end', () => resolve(Buffer.concat(chunks)));
    request.once('close', () =>
      reject(refusal('BAD_USER_INPUT', 'The connection was closed before the request was whole.')),
    );
  });
}
