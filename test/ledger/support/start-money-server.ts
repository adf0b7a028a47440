import { startTestServer, type TestServer } from '../../support/start-test-server.ts';
import { createReferee } from './referee.ts';

export type MoneyServer = TestServer & { referee: ReturnType<typeof createReferee> };

/** A server with the plugins of these tests, and a referee over its books. */
export async function startMoneyServer(
  options: Parameters<typeof startTestServer>[0] = {},
): Promise<MoneyServer> {
  const server = await startTestServer({
    ...options,
    environment: {
      TESSERA_CONFIG: 'test/ledger/fixtures/money.config.ts',
      DISCONNECT_GRACE_MS: '100',
      ...options.environment,
    },
  });
  return Object.assign(server, { referee: createReferee(server) });
}
