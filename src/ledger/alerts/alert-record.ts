import type { AlertRecord } from '../ledger.ts';

/** As `ledger_alert_json` of the migration tells it: money as text, the moment in ISO 8601. */
export type AlertJson = Omit<AlertRecord, 'createdAt'> & { createdAt: string };

export const alertFromJson = (json: AlertJson): AlertRecord => ({
  ...json,
  createdAt: new Date(json.createdAt),
});
