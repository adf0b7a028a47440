import type { Database } from '../data/database.ts';
import type { Log } from '../kernel/log.ts';
import type { Prices } from '../kernel/prices.ts';
import type { Registry } from '../kernel/registry/registry.ts';
import type { Knowledge } from '../knowledge/knowledge.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { SingleFlight } from '../model/cache/single-flight.ts';
import type { Models, ResponseCache } from '../model/models.ts';
import type { Prompts } from '../prompts/prompts.ts';
import type { Approvals } from './agent/approvals.ts';
import type { SubAgents } from './agent/sub-agent.ts';
import type { CacheScope } from './calls/cached-call.ts';
import type { CallFinish } from './calls/metered-call.ts';
import type { KeyLimits } from './limits/key-limits.ts';
import type { RunHooks } from './live/run-hooks.ts';
import type { LogWriter } from './log/log-writer.ts';

/** Everything a run's loop may reach. */
export interface RunServices {
  database: Database;
  models: Models;
  cache: ResponseCache;
  /** Whether a cached answer, or a call in flight, serves its user only or everybody. */
  cacheScope: CacheScope;
  prompts: Prompts;
  knowledge: Knowledge;
  ledger: Ledger;
  registry: Registry;
  prices: Prices;
  hooks: RunHooks;
  writer: LogWriter;
  sharedCalls: SingleFlight<CallFinish>;
  /** Whether a key still lets its runs take another step. Rejects while the database is away. */
  keyHolds: (apiKeyId: string) => Promise<boolean>;
  keyLimits: KeyLimits;
  approvals: Approvals;
  subAgents: SubAgents;
  log: Log;
}
