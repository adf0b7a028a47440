import type { Auth } from '../auth/auth.ts';
import type { Registry } from '../kernel/registry/registry.ts';
import type { Knowledge } from '../knowledge/knowledge.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Models, ProviderStatus } from '../model/models.ts';
import type { Prompts } from '../prompts/prompts.ts';
import type { Runs } from '../runs/runs.ts';

/** State of this server. */
export interface ServerStatus {
  version: string;
  startedAt: Date;
  /** Streams now read by clients. */
  openStreams: number;
  /** Provider calls now open. */
  openModelCalls: number;
  /** "embedded" or "postgres". */
  database: string;
  providers: readonly ProviderStatus[];
}

/** The services behind the schema: one set for each server. */
export interface Services {
  auth: Auth;
  prompts: Prompts;
  ledger: Ledger;
  models: Models;
  knowledge: Knowledge;
  runs: Runs;
  registry: Registry;
  serverStatus(): ServerStatus | Promise<ServerStatus>;
}
