import type { Config } from '../config.ts';
import type { OpenDatabaseOptions } from '../data/open-database.ts';
import type { Log } from '../kernel/log.ts';
import type { Registry } from '../kernel/registry/registry.ts';
import { boundedHook } from '../kernel/timing/bounded-hook.ts';
import type { LedgerOptions } from '../ledger/create-ledger.ts';
import type { AlertRecord } from '../ledger/ledger.ts';
import type { ModelLimits } from '../model/create-models.ts';

/** Options of each service, from the configuration. */
export function databaseOf({ database }: Config): Omit<OpenDatabaseOptions, 'log'> {
  const { url, poolSize, dataDir, durability } = database;
  return url === null ? { dataDir, durability } : { url, poolSize };
}

export function limitsOf({ modelIdleTimeoutMs, modelConcurrency }: Config): ModelLimits {
  const concurrency = modelConcurrency === null ? {} : { concurrency: modelConcurrency };
  return { idleTimeoutMs: modelIdleTimeoutMs, ...concurrency };
}

type LedgerSettings = Pick<LedgerOptions, 'timeZone' | 'highCostThreshold' | 'onAlert' | 'webhook'>;

export function ledgerOf(config: Config, registry: Registry, log: Log): LedgerSettings {
  const { costThreshold, webhook } = config.alerts;
  return {
    timeZone: config.budgetTimeZone,
    ...(costThreshold === null ? {} : { highCostThreshold: costThreshold }),
    ...(webhook === null ? {} : { webhook }),
    onAlert: (alert) => tellPlugins(alert, registry, log),
  };
}

/** Every plugin's `onAlert`, in the order of the list; one that throws or hangs stops none of the others. */
async function tellPlugins(alert: AlertRecord, { hooks }: Registry, log: Log): Promise<void> {
  for (const { plugin, hooks: own } of hooks) {
    try {
      await boundedHook(own.onAlert?.(alert));
    } catch (error) {
      log.warn({ err: error, plugin, alertId: alert.id }, 'a plugin hook failed');
    }
  }
}
