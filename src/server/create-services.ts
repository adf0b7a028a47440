import { createAuth } from '../auth/create-auth.ts';
import type { Config } from '../config.ts';
import type { Database } from '../data/database.ts';
import { newId } from '../data/new-id.ts';
import { isLoopback } from '../kernel/is-loopback.ts';
import type { Log } from '../kernel/log.ts';
import type { ConfiguredPlugin, PluginServices } from '../kernel/plugin.ts';
import { createRegistry } from '../kernel/registry/create-registry.ts';
import { createKnowledge } from '../knowledge/create-knowledge.ts';
import { createLedger } from '../ledger/create-ledger.ts';
import { createResponseCache } from '../model/cache/response-cache.ts';
import { checkOutputs } from '../model/check-outputs.ts';
import { createModels } from '../model/create-models.ts';
import { checkPrompts } from '../prompts/check-prompts.ts';
import { createPrompts } from '../prompts/create-prompts.ts';
import { checkToolInputs } from '../runs/agent/tool-specification.ts';
import { createRuns } from '../runs/create-runs.ts';
import { checkPromptTypes } from '../schema/completions/prompt-shapes.ts';
import type { Services } from '../schema/services.ts';
import type { Metrics } from '../telemetry/create-metrics.ts';
import { createRunObserver } from '../telemetry/create-run-observer.ts';
import { version } from '../version.ts';
import { loadConfig } from './load-config.ts';
import { loadPrices } from './load-prices.ts';
import { maskSearchFailures } from './mask-search-failures.ts';
import { meterReembedding, meterSearch } from './meter-knowledge.ts';
import { openEmbedders } from './open-embedders.ts';
import { openProviders } from './open-providers.ts';
import { ledgerOf, limitsOf } from './service-options.ts';
import { startRetention } from './start-retention.ts';
import { startRollUps } from './start-roll-ups.ts';
import type { UndoList } from './undo-list.ts';

/** The model that answers when neither the caller nor the prompt names one. */
const defaultModel = 'claude-sonnet-5-5';

interface CreateServicesOptions {
  database: Database;
  metrics: Metrics;
  log: Log;
  /** In place of those that the configuration file lists. */
  plugins?: readonly ConfiguredPlugin[] | undefined;
  /** In place of `createLedger`, for a measurement without accounting. */
  openLedger?: typeof createLedger | undefined;
  /** Told how to close each room that was opened. */
  undo: UndoList;
}

/** Opens the services, each with those that it may use, and starts the runs that a former server has left. */
export async function createServices(
  config: Config,
  { database, metrics, log, undo, ...options }: CreateServicesOptions,
): Promise<{ services: Services; demo: boolean }> {
  warnOfSettings(config, log);
  const startedAt = new Date();
  const serverId = newId();
  const auth = undo.add(
    createAuth({
      database,
      adminKey: config.adminKey,
      jwt: config.jwt,
      openId: config.openId,
      log,
    }),
  );

  const plugins =
    options.plugins ?? (await loadConfig(config.pluginsFile ?? undefined)).config.plugins;
  const pluginServices: PluginServices = {
    // Opened below, when the plugins' own embedders are known; nobody searches before.
    knowledge: maskSearchFailures(
      { search: (request) => meterSearch(knowledge, { ledger, database }).search(request) },
      log,
    ),
    log,
  };
  const registry = undo.add(
    await createRegistry(plugins, pluginServices, [
      checkPrompts,
      checkPromptTypes,
      checkOutputs,
      checkToolInputs,
    ]),
  );

  const prices = await loadPrices(config.pricesFile);
  const claudeAndOthers = undo.add(await openProviders(config, log));
  const models = undo.add(
    createModels({
      providers: [...claudeAndOthers.providers, ...registry.providers.values()],
      prices,
      log,
      defaultModel: config.model ?? defaultModel,
      limits: limitsOf(config),
    }),
  );
  const ledger = undo.add(
    (options.openLedger ?? createLedger)({
      database,
      prices,
      serverId,
      log,
      ...ledgerOf(config, registry, log),
    }),
  );
  const knowledge = undo.add(
    createKnowledge({
      database,
      log,
      meterReembedding: meterReembedding(ledger),
      ...openEmbedders(config, registry),
    }),
  );
  const prompts = createPrompts({ database, registry, log });
  await prompts.synchronize();
  const cache = undo.add(createResponseCache({ database, log }));
  undo.add(startRetention({ database, ledger, ...config.retention, log }));
  undo.add(startRollUps({ ledger, log }));
  const { disconnectGraceMs, serverLeaseMs: leaseMs } = config;
  const telemetry = { plugin: 'telemetry', hooks: createRunObserver(log, metrics) };
  const runs = await createRuns({
    hooks: [telemetry, ...registry.hooks],
    database,
    models,
    cache,
    cacheScope: config.cacheScope,
    keyHolds: auth.runsMayGoOn,
    prompts,
    knowledge,
    ledger,
    registry,
    prices,
    serverId,
    version,
    log,
    disconnectGraceMs,
    leaseMs,
  });
  undo.add({ close: () => runs.drain(new Date()) });
  const serverStatus = () => ({
    version,
    startedAt,
    database: database.kind,
    providers: models.status(),
    openStreams: runs.openStreams(),
    openModelCalls: models.openCalls(),
  });
  const services = { auth, prompts, ledger, models, knowledge, runs, registry, serverStatus };
  return { services, demo: claudeAndOthers.demo };
}

/** What lets a server start and is still not as it should be. */
function warnOfSettings({ host, otlpEndpoint, misspelt }: Config, log: Log): void {
  for (const line of misspelt) log.warn({}, line);
  if (!isLoopback(host)) {
    log.warn(
      { host },
      'other machines can connect, without encryption: put a proxy that speaks TLS in front, see docs/operations.md',
    );
  }
  if (otlpEndpoint) log.warn({}, 'OTEL_EXPORTER_OTLP_ENDPOINT: this version exports no spans yet');
}
