// npm run postgres:start | npm run postgres:stop: a throw-away PostgreSQL 17 with pgvector on loopback, for tests.
import { startTestServer, stopTestServer, testServerUrl } from './postgres-test-server.ts';

try {
  if (process.argv[2] === 'stop') {
    await stopTestServer();
  } else {
    await startTestServer();
    console.log(testServerUrl);
  }
} catch (error) {
  console.error(`No Postgres for the tests. ${(error as Error).message}`);
  process.exitCode = 1;
}
