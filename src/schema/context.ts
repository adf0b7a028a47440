import type { Caller } from '../kernel/access/principal.ts';
import type { Usd } from '../kernel/prices.ts';
import { createLoaders, type Loaders } from './loaders.ts';
import { type RunDefaults, readRunDefaults } from './runs/run-defaults.ts';
import type { RunEventView } from './runs/run-event-view.ts';
import type { Services } from './services.ts';

/** Context of an operation, which every resolver receives. */
export interface GraphQLContext {
  /** Null when the request carries no valid credentials. */
  caller: Caller | null;
  /** The client's address, where it is known. */
  address: string | null;
  services: Services;
  loaders: Loaders;
  /** Aborted when the client's connection is lost, which is not the same as an unsubscribe. */
  disconnected?: AbortSignal;
  /** The last event handed to the client's stream. A slow reader that was cut off can continue there. */
  lastEvent?: RunEventView;
  /** Ids of the runs that the operation has begun or follows. */
  runIds: Set<string>;
  /** Options that the request gives to the run of a subscription. */
  runDefaults: RunDefaults;
  /** The most that all runs of the operation may cost together; null: nothing but their own bounds. */
  maxCost: Usd | null;
  /** The most that they can cost, once it was asked for. */
  worstCase: Promise<Usd | null> | null;
}

/** Parts of a request besides its operation. */
export interface ContextRequest {
  address?: string | null;
  disconnected?: AbortSignal;
  extensions?: unknown;
  maxCost?: Usd | null;
}

/** A context for one operation. Throws BAD_USER_INPUT for malformed `extensions` of the request. Its loaders cache what they read, so it must not outlive the operation. */
export function createContext(
  services: Services,
  caller: Caller | null,
  { address = null, disconnected, extensions, maxCost = null }: ContextRequest = {},
): GraphQLContext {
  const loaders = createLoaders(services, caller);
  const runDefaults = readRunDefaults(extensions);
  return {
    caller,
    address,
    services,
    loaders,
    runIds: new Set(),
    runDefaults,
    disconnected,
    maxCost,
    worstCase: null,
  };
}
