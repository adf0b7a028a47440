import type { Database } from '../data/database.ts';
import type { RegisteredHooks } from '../kernel/hooks.ts';
import type { Log } from '../kernel/log.ts';
import type { Prices } from '../kernel/prices.ts';
import type { Registry } from '../kernel/registry/registry.ts';
import type { Knowledge } from '../knowledge/knowledge.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Models, ResponseCache } from '../model/models.ts';
import type { Prompts } from '../prompts/prompts.ts';
import type { CacheScope } from './calls/cached-call.ts';

export interface RunsOptions {
  database: Database;
  models: Models;
  cache: ResponseCache;
  /** Default "user". */
  cacheScope?: CacheScope;
  prompts: Prompts;
  knowledge: Knowledge;
  ledger: Ledger;
  registry: Registry;
  prices: Prices;
  /** Called in this order. */
  hooks: readonly RegisteredHooks[];
  /** Whether a key still lets its runs take another step. Default: it does. */
  keyHolds?: (apiKeyId: string) => Promise<boolean>;
  serverId: string;
  version: string;
  log: Log;
  disconnectGraceMs: number;
  /** How long another server may be silent before it counts as dead. Default 20,000. */
  leaseMs?: number;
}
