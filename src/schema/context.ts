import type { Auth } from '../auth/auth.ts';
import type { Caller } from '../kernel/principal.ts';
import type { Registry } from '../kernel/registry/registry.ts';
import type { Knowledge } from '../knowledge/knowledge.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Models, ProviderStatus } from '../model/models.ts';
import type { Prompts } from '../prompts/prompts.ts';
import type { Runs } from '../runs/runs.ts';
import { createLoaders, type Loaders } from './loaders.ts';
import { type RunDefaults, readRunDefaults } from './runs/run-defaults.ts';
import type { RunEventView } from './runs/run-event-view.ts';

/** What this server is doing at this moment. */
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

/** What every resolver is given: one for each operation. */
export interface GraphQLContext {
  /** Null when the request carries no valid credentials. */
  caller: Caller | null;
  services: Services;
  loaders: Loaders;
  /** Aborted when the client's connection is lost, which is not the same as an unsubscribe. */
  disconnected?: AbortSignal;
  /** The event last handed to the client's stream: where a reader that is left behind can go on. */
  lastEvent?: RunEventView;
  /** Ids of the runs that the operation has begun or follows. */
  runIds: Set<string>;
  /** Options that the request gives to the run of a subscription. */
  runDefaults: RunDefaults;
}

/** A context for one operation. Throws BAD_USER_INPUT for malformed `extensions` of the request. Its loaders cache what they read, so it must not outlive the operation. */
export function createContext(
  services: Services,
  caller: Caller | null,
  { disconnected, extensions }: { disconnected?: AbortSignal; extensions?: unknown } = {},
): GraphQLContext {
  const loaders = createLoaders(services, caller);
  const runDefaults = readRunDefaults(extensions);
  return { caller, services, loaders, runIds: new Set(), runDefaults, disconnected };
}
