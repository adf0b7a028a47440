import type { Log } from '../kernel/log.ts';
import type { RegisteredPlugin } from '../kernel/registry/registry.ts';
import { ownerOfFault } from './plugin-of-fault.ts';
import type { Running } from './start-server.ts';

/** What a stop may take after the drain. */
const afterDrainMs = 8_000;

export interface Faults {
  /** From now on a fault of the server itself ends it after a drain, and faults of plugins are counted. */
  serve(running: Pick<Running, 'stop' | 'services' | 'metrics'>, drainMs: number): void;
}

/**
 * Handles what nobody caught: a rejection that nobody awaits, a throw in a timer or an event handler. A plugin's is logged
 * with its name and counted, and the server stays up: nothing of the server's own was in the middle of something. Any
 * other leaves the server's state in doubt and ends it, after a drain.
 */
export function handleFaults(log: Log): Faults {
  let plugins: readonly RegisteredPlugin[] = [];
  let count = (_plugin: string): void => {};
  let end = (): void => process.exit(1);
  const onFault = (error: unknown, what: string): void => {
    const owner = ownerOfFault(error, plugins);
    if (owner === 'server') {
      log.error({ err: error }, `${what}: the server ends after a drain`);
      end();
      return;
    }
    const plugin = owner.plugin ?? 'unknown';
    log.error({ err: error, plugin }, `${what} in a plugin: the server goes on`);
    count(plugin);
  };
  process.on('unhandledRejection', (reason) => onFault(reason, 'a promise was rejected unheard'));
  process.on('uncaughtException', (error) =>
    onFault(error, 'an error was thrown that nobody caught'),
  );
  return {
    serve(running, drainMs) {
      plugins = running.services.registry.plugins;
      count = (plugin) => running.metrics.strayFault(plugin);
      end = once(() => {
        setTimeout(() => process.exit(1), drainMs + afterDrainMs).unref();
        running.stop(drainMs).finally(() => process.exit(1));
      });
    },
  };
}

function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (!done) work();
    done = true;
  };
}
