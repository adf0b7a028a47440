// npm run test:postgres: the test suite on a PostgreSQL server, that of TEST_DATABASE_URL or one that is started for it.
import { spawn } from 'node:child_process';
import { startTestServer, stopTestServer, testServerUrl } from './postgres-test-server.ts';

/** Vitest's exit code. */
function runVitest(url: string): Promise<number> {
  const child = spawn('vitest', ['run', ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, TEST_DATABASE_URL: url },
  });
  // An interrupt reaches the tests as well: wait for them, then stop the server.
  process.on('SIGINT', () => undefined);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

try {
  const given = process.env['TEST_DATABASE_URL'];
  const started = !given && (await startTestServer());
  try {
    process.exitCode = await runVitest(given || testServerUrl);
  } finally {
    if (started) await stopTestServer();
  }
} catch (error) {
  console.error(`No Postgres for the tests. ${(error as Error).message}`);
  process.exitCode = 1;
}
