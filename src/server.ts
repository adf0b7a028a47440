import { readProcessConfig } from './config.ts';
import { StartupError } from './kernel/startup-error.ts';
import { handleFaults } from './server/handle-faults.ts';
import { startServer } from './server/start-server.ts';
import { stopOnSignals } from './server/stop-on-signals.ts';
import { welcome } from './server/welcome.ts';
import { createLog } from './telemetry/create-log.ts';

try {
  const config = readProcessConfig();
  const log = createLog({ level: config.logLevel, pretty: process.stdout.isTTY });
  const faults = handleFaults(log);
  const running = await startServer(config, { log, checkModel: true });
  faults.serve(running, config.shutdownDrainMs);
  process.stdout.write(welcome(running, config));
  stopOnSignals(running, { drainMs: config.shutdownDrainMs, log });
} catch (error) {
  if (!(error instanceof StartupError)) throw error;
  for (const problem of error.problems) process.stderr.write(`tessera: ${problem}\n`);
  process.exit(1);
}
