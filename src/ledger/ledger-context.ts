import type { Database } from '../data/database.ts';
import type { Log } from '../kernel/log.ts';
import type { Prices } from '../kernel/prices.ts';
import type { AlertRecord } from './ledger.ts';

/** What every part of the ledger works with. */
export interface LedgerContext {
  database: Database;
  prices: Prices;
  serverId: string;
  log: Log;
  /** IANA name: where days and months begin. */
  timeZone: string;
  /** Null in production: the database's own clock, the same for every server. */
  now: () => Date | null;
  /** US dollars; null for no alert. */
  highCostThreshold: string | null;
  allowUnknownPrice: boolean;
  /** Tells the log, the plugins, the other servers and the webhook of new alerts. Never throws. */
  announce(alerts: readonly AlertRecord[]): void;
}
