import type { Log } from '../kernel/log.ts';
import type { Running } from './start-server.ts';

/** Time that a stop may take after the drain. Process managers allow 10 s before they kill. */
const afterDrainMs = 8_000;

/** Ctrl-C reaches a server that npm started twice: from the terminal, and handed on by npm. */
const sameSignalMs = 500;

/** The first SIGINT or SIGTERM stops the server in good order, one that follows 500 ms later or more at once. */
export function stopOnSignals(
  running: Pick<Running, 'stop'>,
  { drainMs, log }: { drainMs: number; log: Log },
): void {
  let stoppingSince: number | undefined;
  const onSignal = async (signal: NodeJS.Signals): Promise<void> => {
    if (stoppingSince !== undefined) {
      if (performance.now() - stoppingSince < sameSignalMs) return;
      process.exit(1);
    }
    stoppingSince = performance.now();
    log.info({ signal }, 'stopping: what is in flight may end, a second signal ends it at once');
    setTimeout(() => {
      log.error({}, 'the stop took too long');
      process.exit(1);
    }, drainMs + afterDrainMs).unref();
    try {
      await running.stop(drainMs);
      process.exit(0);
    } catch (error) {
      log.error({ err: error }, 'the stop failed');
      process.exit(1);
    }
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
}
