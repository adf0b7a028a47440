import { createRateLimiter } from '../auth/rate-limiter.ts';
import type { Config } from '../config.ts';
import type { Database } from '../data/database.ts';
import { openDatabase } from '../data/open-database.ts';
import type { Log } from '../kernel/log.ts';
import { messageOf } from '../kernel/message-of.ts';
import type { ConfiguredPlugin } from '../kernel/plugin.ts';
import { StartupError } from '../kernel/startup-error.ts';
import type { createLedger } from '../ledger/create-ledger.ts';
import { createContext } from '../schema/context.ts';
import { createSchema } from '../schema/create-schema.ts';
import type { Services } from '../schema/services.ts';
import { createMetrics, type Metrics } from '../telemetry/create-metrics.ts';
import { createTransport, type Transport } from '../transport/create-transport.ts';
import { version } from '../version.ts';
import { createServices } from './create-services.ts';
import { databaseOf } from './service-options.ts';
import { createUndoList } from './undo-list.ts';

export interface Running {
  port: number;
  /** Where the server listens, without a path. */
  url: string;
  services: Services;
  database: Database;
  /** Answers come from the demo model, since there is no key. */
  demo: boolean;
  /** The secret of the first admin key, at the first start; else null. It is never shown again. */
  newAdminKey: string | null;
  /** A link that signs one browser in as the admin, once. */
  loginLink(): Promise<string>;
  /** Refuses new work, lets what is in flight end within `drainMs` (default: as configured), writes everything, closes. */
  stop(drainMs?: number): Promise<void>;
}

interface StartOptions {
  log: Log;
  /** In place of the one that the configuration names. It is closed with the server all the same. */
  database?: Database;
  /** In place of those that the configuration file lists. */
  plugins?: readonly ConfiguredPlugin[];
  /** In place of the ledger, for a measurement without accounting. */
  openLedger?: typeof createLedger;
}

/** Starts a whole server. Rejects with a `StartupError` when something is not as it should be, and leaves nothing open. */
export async function startServer(config: Config, options: StartOptions): Promise<Running> {
  const { log, plugins, openLedger } = options;
  const undo = createUndoList(log);
  try {
    const metrics = createMetrics();
    const database = undo.add(options.database ?? (await openDatabaseOf(config, log)));
    const parts = { database, metrics, log, undo, plugins, openLedger };
    const { services, demo } = await createServices(config, parts);
    const transport = openTransport(config, { services, database, metrics, log });
    const port = await transport.listen(config.host, config.port);
    const url = `http://${nameOf(config.host)}:${port}`;
    const loginLink = async () => `${url}/login?once=${await services.auth.createLoginLink(admin)}`;
    const newAdminKey = await services.auth.ensureAdminKey();
    const stop = async (drainMs = config.shutdownDrainMs) => {
      transport.refuseNewWork();
      await services.runs.drain(new Date(Date.now() + drainMs));
      await transport.close();
      await undo.run();
    };
    return { port, url, services, database, demo, newAdminKey, loginLink, stop };
  } catch (error) {
    await undo.run();
    throw error;
  }
}

async function openDatabaseOf(config: Config, log: Log): Promise<Database> {
  try {
    return await openDatabase({ ...databaseOf(config), log });
  } catch (error) {
    const why = messageOf(error);
    throw new StartupError([why.split('\n', 1)[0] || 'the database cannot be opened'], {
      cause: error,
    });
  }
}

const admin = { userId: 'admin', groups: [], roles: ['ADMIN', 'USER'], apiKeyId: null } as const;

/** A name that a browser on this machine reaches the host by. */
function nameOf(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}

interface Parts {
  services: Services;
  database: Database;
  metrics: Metrics;
  log: Log;
}

function openTransport(config: Config, { services, database, metrics, log }: Parts): Transport {
  const { auth, ledger, runs, models, registry } = services;
  const transport = createTransport({
    schema: createSchema(registry),
    createContext: (caller, request) => createContext(services, caller, request),
    auth,
    rateLimiter: createRateLimiter({ database, requestsPerMinute: config.rateLimit, log }),
    mcp: { services, version },
    ledger,
    pingDatabase: () => database.query('SELECT 1'),
    metrics,
    log,
    bodyLimitBytes: config.bodyLimitBytes,
    corsOrigins: config.corsOrigins,
    trustedProxies: config.trustedProxies,
    stallMs: config.slowConsumerMs,
  });
  metrics.observe({
    openStreams: runs.openStreams,
    openModelCalls: models.openCalls,
    openSockets: transport.openSockets,
    breakers: models.status,
  });
  return transport;
}
