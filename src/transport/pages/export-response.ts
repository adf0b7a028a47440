import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GraphQLError } from 'graphql';
import type { Caller, Role } from '../../kernel/access/principal.ts';
import type { Admission } from '../http/admission.ts';
import { credentialsOf, isSameOrigin } from '../http/credentials.ts';
import { createExchange } from '../http/exchange.ts';
import { refusal } from '../http/request-refusal.ts';

const contentTypes = {
  csv: 'text/csv; charset=utf-8; header=present',
  jsonl: 'application/x-ndjson; charset=utf-8',
};

export type ExportFormat = keyof typeof contentTypes;

/** The caller of an export, who needs one of these roles. */
export async function admitToExport(
  request: IncomingMessage,
  requestId: string,
  { admission, allowed }: { admission: Pick<Admission, 'admit'>; allowed: readonly Role[] },
): Promise<Caller> {
  if (!isSameOrigin(request)) {
    throw refusal('FORBIDDEN', 'Pages of other origins may not use this endpoint.');
  }
  const exchange = createExchange('http', requestId, { stalled: () => false });
  await admission.admit(exchange, credentialsOf(request), allowed);
  return exchange.caller!;
}

/** The parameters of an export. Throws BAD_USER_INPUT for one that is not `known`. */
export function readParameters(request: IncomingMessage, known: readonly string[]) {
  const { searchParams } = new URL(request.url ?? '/', 'http://localhost');
  const unknown = [...searchParams.keys()].find((name) => !known.includes(name));
  if (unknown) {
    throw invalidParameter(`There is no parameter "${unknown}"; there are ${known.join(', ')}.`);
  }
  return searchParams;
}

/** A parameter as a moment; null when it is left out. Throws BAD_USER_INPUT. */
export function readMoment(parameters: URLSearchParams, name: string): Date | null {
  const text = parameters.get(name);
  if (!text) return null;
  const moment = new Date(text);
  if (/^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(moment.getTime())) return moment;
  throw invalidParameter(`${name} must be a moment like 2026-11-01 or 2026-11-01T00:00:00Z.`);
}

export const invalidParameter = (message: string): GraphQLError =>
  refusal('BAD_USER_INPUT', message);

/** Sends the pieces as a file, no faster than the client takes them. */
export async function sendExport(
  pieces: AsyncIterable<string>,
  { name, format }: { name: string; format: ExportFormat },
  response: ServerResponse,
): Promise<void> {
  const iterator = pieces[Symbol.asyncIterator]();
  // Before the first byte, so that a database that is away is an error, not an empty file.
  let step = await iterator.next();
  response.writeHead(200, {
    'content-type': contentTypes[format],
    'content-disposition': `attachment; filename="${name}.${format}"`,
  });
  const closed = new Promise((resolve) => response.once('close', resolve));
  while (!step.done && !response.destroyed) {
    if (!response.write(step.value)) await Promise.race([drained(response), closed]);
    step = await iterator.next();
  }
  await iterator.return?.();
  response.end();
}

const drained = (response: ServerResponse): Promise<unknown> =>
  new Promise((resolve) => response.once('drain', resolve));
