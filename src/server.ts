import { readProcessConfig } from './config.ts';
import { StartupError } from './kernel/startup-error.ts';
import { startServer } from './start-server.ts';
import { stopOnSignals } from './stop-on-signals.ts';
import { createLog } from './telemetry/create-log.ts';
import { welcome } from './welcome.ts';

try {
  const config = readProcessConfig();
  const log = createLog({ level: config.logLevel, pretty: process.stdout.isTTY });
  const running = await startServer(config, { log });
  process.stdout.write(welcome(running, config));
  stopOnSignals(running, { drainMs: config.shutdownDrainMs, log });
} catch (error) {
  if (!(error instanceof StartupError)) throw error;
  for (const problem of error.problems) process.stderr.write(`tessera: ${problem}\n`);
  process.exit(1);
}
