import { spawnServer } from '../../../support/server-process.ts';
import { createSubscribe, type TestServer } from '../../../support/start-test-server.ts';

const adminKey = 'admin-key-of-the-tests';

/** A server as a process of its own, which a test may kill. */
export interface ServerProcess extends AsyncDisposable {
  url: string;
  data<Data>(query: string, variables?: object): Promise<Data>;
  subscribe: TestServer['subscribe'];
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
  /** SIGKILL: nothing is written any more, nothing is said to anyone. Resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM: the server stops in good order. */
  terminate(): Promise<void>;
}

/** `npm start` with an environment. Rejects when it ends before it listens. */
export async function startServerProcess(
  environment: Record<string, string | undefined>,
): Promise<ServerProcess> {
  const server = spawnServer({
    HOME: process.env['HOME'] ?? '',
    ANTHROPIC_API_KEY: 'test',
    TESSERA_ADMIN_KEY: adminKey,
    TESSERA_CONFIG: 'test/runs/agent/fixtures/agents.config.ts',
    LOG_LEVEL: 'warn',
    ...environment,
  });
  const [, endpoint = ''] = await server.prints(/Endpoint\s+(http\S+)/);
  const end = async (name: NodeJS.Signals): Promise<void> => {
    server.child.kill(name);
    await server.exited;
  };
  return {
    url: endpoint,
    data: (query, variables) => ask(endpoint, { query, variables }),
    subscribe: createSubscribe(endpoint),
    signal: (name) => void server.child.kill(name),
    kill: () => end('SIGKILL'),
    terminate: () => end('SIGTERM'),
    [Symbol.asyncDispose]: () => end('SIGKILL'),
  };
}

async function ask<Data>(endpoint: string, operation: object): Promise<Data> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${adminKey}` },
    body: JSON.stringify(operation),
  });
  const { data, errors } = (await response.json()) as { data: Data; errors?: object[] };
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}
