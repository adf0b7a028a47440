import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GraphQLError } from 'graphql';
import type { Principal } from '../../kernel/access/principal.ts';
import { reachesAll } from '../../kernel/access/reach.ts';
import type { Services } from '../../schema/services.ts';
import type { Admission } from '../http/admission.ts';
import { credentialsOf, isSameOrigin } from '../http/credentials.ts';
import { createExchange } from '../http/exchange.ts';
import { refusal } from '../http/request-refusal.ts';

export interface UsageExportOptions {
  ledger: Pick<Services['ledger'], 'exportUsage'>;
  admission: Pick<Admission, 'admit'>;
}

type ExportRequest = Parameters<Services['ledger']['exportUsage']>[0];

const contentTypes = {
  csv: 'text/csv; charset=utf-8; header=present',
  jsonl: 'application/x-ndjson; charset=utf-8',
};

/**
 * `GET /export/usage?format=csv|jsonl&from=&to=&userId=`: usage records as they are read from the database, no faster
 * than the client takes them. A user gets their own; an admin all, or those of `userId`. The same keys as GraphQL's.
 */
export function createUsageExport({ ledger, admission }: UsageExportOptions) {
  return async (
    request: IncomingMessage,
    response: ServerResponse,
    requestId: string,
  ): Promise<void> => {
    const caller = await admit(request, requestId, admission);
    const wanted = readRequest(new URL(request.url ?? '/', 'http://localhost'), caller);
    await send(ledger.exportUsage(wanted), wanted.format, response);
  };
}

async function admit(
  request: IncomingMessage,
  requestId: string,
  admission: Pick<Admission, 'admit'>,
): Promise<Principal> {
  if (!isSameOrigin(request)) {
    throw refusal('FORBIDDEN', 'Pages of other origins may not use this endpoint.');
  }
  const exchange = createExchange('http', requestId, { stalled: () => false });
  await admission.admit(exchange, credentialsOf(request), ['USER', 'AUDITOR']);
  return exchange.caller!;
}

const known = ['format', 'from', 'to', 'userId'];

function readRequest({ searchParams }: URL, caller: Principal): ExportRequest {
  const unknown = [...searchParams.keys()].find((name) => !known.includes(name));
  if (unknown) throw invalid(`There is no parameter "${unknown}"; there are ${known.join(', ')}.`);
  const format = searchParams.get('format') ?? 'csv';
  if (format !== 'csv' && format !== 'jsonl') throw invalid('format must be csv or jsonl.');
  const asked = searchParams.get('userId') || null;
  const all = reachesAll(caller, 'costs');
  if (!all && asked !== null && asked !== caller.userId) {
    throw refusal('FORBIDDEN', 'Your roles do not let you read the data of another user.');
  }
  const userId = all ? asked : caller.userId;
  const [from, to] = ['from', 'to'].map((name) => readMoment(searchParams, name));
  return { format, userId, from: from ?? null, to: to ?? null };
}

function readMoment(parameters: URLSearchParams, name: string): Date | null {
  const text = parameters.get(name);
  if (!text) return null;
  const moment = new Date(text);
  if (/^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(moment.getTime())) return moment;
  throw invalid(`${name} must be a moment like 2026-11-01 or 2026-11-01T00:00:00Z.`);
}

const invalid = (message: string): GraphQLError => refusal('BAD_USER_INPUT', message);

async function send(
  pieces: AsyncIterable<string>,
  format: ExportRequest['format'],
  response: ServerResponse,
): Promise<void> {
  const iterator = pieces[Symbol.asyncIterator]();
  // Before the first byte, so that a database that is away is an error, not an empty file.
  let step = await iterator.next();
  response.writeHead(200, {
    'content-type': contentTypes[format],
    'content-disposition': `attachment; filename="usage.${format}"`,
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
