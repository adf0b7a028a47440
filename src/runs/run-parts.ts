import { SingleFlight } from '../model/cache/single-flight.ts';
import { Approvals } from './agent/approvals.ts';
import { KeyLimits } from './limits/key-limits.ts';
import { LiveRuns } from './live/live-runs.ts';
import { RemoteReaders } from './live/remote-readers.ts';
import { RunHooks } from './live/run-hooks.ts';
import { LogWriter } from './log/log-writer.ts';
import { RunHandles } from './reading/run-handles.ts';
import type { RunServices } from './run-services.ts';
import type { RunsOptions } from './runs-options.ts';
import { RunCanceller } from './servers/run-canceller.ts';
import { RunExecutor } from './servers/run-executor.ts';
import { createSubAgents } from './servers/sub-agents.ts';

/** The parts of the room, each made once for a server. */
export interface RunParts {
  services: RunServices;
  liveRuns: LiveRuns;
  handles: RunHandles;
  executor: RunExecutor;
  canceller: RunCanceller;
}

export function createRunParts(options: RunsOptions): RunParts {
  const { database, registry, log, serverId, disconnectGraceMs: graceMs } = options;
  const remoteReaders = new RemoteReaders(database, graceMs);
  const remoteSilenceMs = database.kind === 'embedded' ? null : remoteReaders.silenceMs;
  const liveRuns = new LiveRuns({ graceMs, log, remoteSilenceMs });
  const handles = new RunHandles({ database, liveRuns, remoteReaders });
  const subAgents = createSubAgents({
    ...options,
    handles,
    executor: () => executor,
    canceller: () => canceller,
  });
  const services: RunServices = {
    cacheScope: 'user',
    keyHolds: async () => true,
    ...options,
    keyLimits: new KeyLimits({ database, liveRuns, serverId }),
    writer: new LogWriter({ database, log, ledger: options.ledger }),
    approvals: new Approvals(database, registry),
    sharedCalls: new SingleFlight(),
    hooks: new RunHooks(options.hooks, log),
    subAgents,
  };
  const executor = new RunExecutor({ services, liveRuns, handles, serverId });
  const canceller = new RunCanceller({ database, liveRuns, executor, handles });
  return { services, liveRuns, handles, executor, canceller };
}
