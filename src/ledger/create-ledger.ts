import type { Database } from '../data/database.ts';
import { newId } from '../data/new-id.ts';
import type { Log } from '../kernel/log.ts';
import type { Prices, Usd } from '../kernel/prices.ts';
import { alerts, alertsById } from './alerts/alert-pages.ts';
import { AlertStream } from './alerts/alert-stream.ts';
import { createAnnouncer } from './alerts/announce-alerts.ts';
import type { WebhookOptions } from './alerts/webhook-sink.ts';
import { budgets, budgetsById, deleteBudget, setBudget } from './holds/budgets.ts';
import { envelopesOf } from './holds/charges.ts';
import { createHolds } from './holds/holds.ts';
import { recordOfCall } from './holds/new-usage-record.ts';
import { settleOrphanedHolds } from './holds/orphaned-holds.ts';
import { createSettlements, type Settlement } from './holds/settlements.ts';
import { InvalidInputError } from './invalid-input-error.ts';
import type { AlertRecord, Ledger, UsageRecordRow, UsageTag } from './ledger.ts';
import type { LedgerContext } from './ledger-context.ts';
import { meteredEmbedder } from './metered-embedder.ts';
import { costStats } from './statistics/cost-stats.ts';
import { rollUpUsage } from './statistics/roll-up-usage.ts';
import { createBatchedRunUsage } from './usage/batched-run-usage.ts';
import { exportUsage } from './usage/export-usage.ts';
import { purgeUsage } from './usage/purge-usage.ts';
import { usageRecords, usageRecordsById } from './usage/usage-pages.ts';
import { amount } from './usd.ts';

export interface LedgerOptions {
  database: Database;
  prices: Prices;
  /** Of this process: `settleHoldsOf` is called with it should it die. */
  serverId: string;
  log: Log;
  /** IANA name: where days and months begin. "UTC" when left out. Another one starts new windows. */
  timeZone?: string;
  /** A run that costs more than this raises an alert, once. */
  highCostThreshold?: Usd;
  /** Called on the server that raised it, once for each alert. */
  onAlert?: (alert: AlertRecord) => void | Promise<void>;
  /** Where alerts are posted to, signed. */
  webhook?: WebhookOptions;
  /** Lets calls of unknown price pass under a budget, uncounted. Default false. */
  allowUnknownPrice?: boolean;
  /** For tests: replaces the database's clock. */
  now?: () => Date;
}

const closeMs = 10_000;

export function createLedger(options: LedgerOptions): Ledger {
  const { database, prices, log } = options;
  const announcer = createAnnouncer(options);
  const context: LedgerContext = {
    database,
    prices,
    serverId: options.serverId,
    log,
    timeZone: checkedTimeZone(options.timeZone ?? 'UTC'),
    now: options.now ?? (() => null),
    highCostThreshold: options.highCostThreshold ?? null,
    allowUnknownPrice: options.allowUnknownPrice ?? false,
    announce: announcer.announce,
  };
  const settlements = createSettlements(context);
  const end = (holdId: string): Promise<UsageRecordRow[]> =>
    settlements.write({ holdId, records: [], envelopes: [] });
  const holds = createHolds(context, (holdId) => void end(holdId).catch(() => undefined));

  const ledger: Ledger = {
    hold: (request) => holds.hold(request),
    async settle(hold, outcome) {
      const records = [recordOfCall(prices, hold, outcome)];
      const { tag, envelope } = hold.request;
      const envelopes = envelopesOf(tag, envelope?.runId ?? null);
      const [record] = await settlements.write({ holdId: hold.id, records, envelopes });
      return record!;
    },
    release: async (hold) => void (await end(hold.id)),
    async recordCacheHit(tag, hit) {
      const [record] = await settlements.write(cacheHit(tag, hit));
      return record!;
    },
    meterEmbedders: (billing) => (embedder) => {
      const price = prices.embeddingCost(embedder.name, 1, context.now() ?? new Date());
      const isFree = price !== null && amount(price).isZero();
      return isFree ? embedder : meteredEmbedder(embedder, billing, ledger);
    },
    setBudget: (input) => setBudget(context, input),
    deleteBudget: (id) => deleteBudget(context, id),
    budgets: (subjects) => budgets(context, subjects),
    budgetsById: (ids) => budgetsById(context, ids),
    costStats: (request) => costStats(context, request),
    usageRecords: (request) => usageRecords(database, request),
    usageRecordsById: (ids) => usageRecordsById(database, ids),
    usageByRun: createBatchedRunUsage(database),
    alerts: (request) => alerts(database, request),
    alertsById: (ids) => alertsById(database, ids),
    alertsRaised: () => new AlertStream(database),
    settleHoldsOf: (serverIds) => settleOrphanedHolds(context, settlements, serverIds),
    exportUsage: (request) => exportUsage(database, request),
    purgeUsage: (olderThan) => purgeUsage(database, olderThan),
    rollUpUsage: () => rollUpUsage(database),
    async close() {
      const deadline = Date.now() + closeMs;
      await holds.idle();
      await settlements.finish(deadline);
      await announcer.close();
    },
  };
  return ledger;
}

function cacheHit(
  { accessTokens: _, ...tag }: UsageTag,
  hit: { provider: string; model: string; durationMs: number },
): Settlement {
  const record = {
    ...tag,
    ...hit,
    id: newId(),
    inputTokens: 0,
    outputTokens: 0,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    estimated: false,
    cached: true,
    cost: '0',
    status: 'succeeded',
    timeToFirstTokenMs: null,
    createdAt: null,
  };
  return { holdId: null, records: [record], envelopes: [] };
}

function checkedTimeZone(timeZone: string): string {
  try {
    // As it was written: Node resolves some names to older ones, which the database may not have.
    new Intl.DateTimeFormat('en', { timeZone });
    return timeZone;
  } catch {
    throw new InvalidInputError(
      `"${timeZone}" is no time zone; write for example "Europe/Berlin".`,
    );
  }
}
