import type { IncomingMessage } from 'node:http';
import { readBody } from './read-json-body.ts';
import { refusal } from './request-refusal.ts';

/** A key and nothing else. */
const maxFormBytes = 32_768;

/** The fields of a form that a page of this server has sent. */
export async function readFormBody(request: IncomingMessage): Promise<URLSearchParams> {
  const [type = ''] = (request.headers['content-type'] ?? '').split(';');
  if (type.trim().toLowerCase() !== 'application/x-www-form-urlencoded') {
    throw refusal('BAD_USER_INPUT', 'Send the form as application/x-www-form-urlencoded.', {
      status: 415,
    });
  }
  return new URLSearchParams(await readBody(request, maxFormBytes));
}
