import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Principal } from '../../kernel/access/principal.ts';
import { reachesAll } from '../../kernel/access/reach.ts';
import type { Services } from '../../schema/services.ts';
import type { Admission } from '../http/admission.ts';
import { refusal } from '../http/request-refusal.ts';
import {
  admitToExport,
  invalidParameter,
  readMoment,
  readParameters,
  sendExport,
} from './export-response.ts';

export interface UsageExportOptions {
  ledger: Pick<Services['ledger'], 'exportUsage'>;
  admission: Pick<Admission, 'admit'>;
}

type ExportRequest = Parameters<Services['ledger']['exportUsage']>[0];

/**
 * `GET /export/usage?format=csv|jsonl&from=&to=&userId=`: usage records as they are read from the database, no faster
 * than the client takes them. A user gets their own; an admin or auditor all, or those of `userId`. The same keys as
 * GraphQL's.
 */
export function createUsageExport({ ledger, admission }: UsageExportOptions) {
  return async (
    request: IncomingMessage,
    response: ServerResponse,
    requestId: string,
  ): Promise<void> => {
    const allowed = ['USER', 'AUDITOR'] as const;
    const caller = await admitToExport(request, requestId, { admission, allowed });
    const wanted = readRequest(request, caller);
    const { format } = wanted;
    await sendExport(ledger.exportUsage(wanted), { name: 'usage', format }, response);
  };
}

function readRequest(request: IncomingMessage, caller: Principal): ExportRequest {
  const parameters = readParameters(request, ['format', 'from', 'to', 'userId']);
  const format = parameters.get('format') ?? 'csv';
  if (format !== 'csv' && format !== 'jsonl')
    throw invalidParameter('format must be csv or jsonl.');
  const asked = parameters.get('userId') || null;
  const all = reachesAll(caller, 'costs');
  if (!all && asked !== null && asked !== caller.userId) {
    throw refusal('FORBIDDEN', 'Your roles do not let you read the data of another user.');
  }
  const userId = all ? asked : caller.userId;
  return { format, userId, from: readMoment(parameters, 'from'), to: readMoment(parameters, 'to') };
}
