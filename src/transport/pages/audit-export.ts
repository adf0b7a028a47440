import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Services } from '../../schema/services.ts';
import type { Admission } from '../http/admission.ts';
import { admitToExport, readMoment, readParameters, sendExport } from './export-response.ts';

export interface AuditExportOptions {
  audit: Pick<Services['auth']['audit'], 'export'>;
  admission: Pick<Admission, 'admit'>;
}

/** `GET /export/audit?from=&to=&actor=&action=`: the audit log as JSON lines, oldest first, for auditors. */
export function createAuditExport({ audit, admission }: AuditExportOptions) {
  return async (
    request: IncomingMessage,
    response: ServerResponse,
    requestId: string,
  ): Promise<void> => {
    await admitToExport(request, requestId, { admission, allowed: ['AUDITOR'] });
    const parameters = readParameters(request, ['from', 'to', 'actor', 'action']);
    const filter = {
      actor: parameters.get('actor'),
      action: parameters.get('action'),
      after: readMoment(parameters, 'from'),
      before: readMoment(parameters, 'to'),
    };
    await sendExport(audit.export(filter), { name: 'audit', format: 'jsonl' }, response);
  };
}
