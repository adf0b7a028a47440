import type { AlertRecord } from '../ledger.ts';

/** What `ledger_alert_json` returns: money as text, the moment in ISO 8601. */
export type AlertJson = Omit<AlertRecord, 'createdAt'> & { createdAt: string };

export const alertFromJson = (json: AlertJson): AlertRecord => ({
  ...json,
  createdAt: new Date(json.createdAt),
});
