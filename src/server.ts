import { readProcessConfig } from './config.ts';
import { StartupError } from './kernel/startup-error.ts';
import { startServer } from './server/start-server.ts';
import { stopOnSignals } from './server/stop-on-signals.ts';
import { welcome } from './server/welcome.ts';
import { createLog } from './telemetry/create-log.ts';

try {
  const config = readProcessConfig();
  const log = createLog({ level: config.logLevel, pretty: process.stdout.isTTY });
  const running = await startServer(config, { log });
  const isTerminal = process.stdout.isTTY;
  process.stdout.write(await welcome(running, { config, isTerminal }));
  stopOnSignals(running, { drainMs: config.shutdownDrainMs, log });
} catch (error) {
  if (!(error instanceof StartupError)) throw error;
  for (const problem of error.problems) process.stderr.write(`tessera: ${problem}\n`);
  process.exit(1);
}
