import type { Database } from '../../../../src/data/database.ts';
import { openDatabase } from '../../../../src/data/open-database.ts';
import { type DemoModel, startDemoModel } from '../../../../src/demo-model/demo-model-server.ts';
import { startTcpProxy, type TcpProxy } from '../../../data/postgres/tcp-proxy.ts';
import { createServerDatabase } from '../../../support/server-template.ts';
import { testLog } from '../../../support/test-log.ts';
import { adminKey } from './admin-key.ts';
import { clientOf, type ServerClient } from './server-client.ts';
import { type ServerProcess, startServerProcess } from './server-process.ts';

export interface Member extends ServerProcess {
  client: ServerClient;
}

/** Several server processes on one Postgres, and the model that they call. */
export interface TestDeployment extends AsyncDisposable {
  demo: DemoModel;
  /** The servers' database, without the proxy between. */
  database: Database;
  proxy: TcpProxy | null;
  servers: Member[];
  /** One more server. */
  start(environment?: Record<string, string>): Promise<Member>;
}

interface DeploymentOptions {
  servers: number;
  environment?: Record<string, string>;
  /** Puts a proxy between the servers and their database. */
  throughProxy?: boolean;
  /** The PostgreSQL to make the database on. Default: that of TEST_DATABASE_URL. */
  postgresUrl?: string;
}

/** `await using deployment = await startDeployment({ servers: 2 })`. */
export async function startDeployment(options: DeploymentOptions): Promise<TestDeployment> {
  const { postgresUrl = process.env['TEST_DATABASE_URL']! } = options;
  const { url: databaseUrl, drop } = await createServerDatabase(postgresUrl);
  const database = await openDatabase({ url: databaseUrl, poolSize: 2, log: testLog });
  const demo = await startDemoModel();
  const proxy = options.throughProxy ? await startTcpProxy(databaseUrl) : null;
  const servers: Member[] = [];
  const start = async (environment: Record<string, string> = {}): Promise<Member> => {
    const server = await startServerProcess({
      DATABASE_URL: proxy?.url ?? databaseUrl,
      DATABASE_POOL_SIZE: '5',
      ANTHROPIC_API_KEY: 'test',
      ANTHROPIC_BASE_URL: demo.url,
      TESSERA_ADMIN_KEY: adminKey,
      ...options.environment,
      ...environment,
    });
    const member = { ...server, client: clientOf(server.url, adminKey) };
    servers.push(member);
    return member;
  };
  const dispose = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
    await demo.close();
    await proxy?.close();
    await database.close();
    await drop();
  };
  try {
    await Promise.all(Array.from({ length: options.servers }, () => start()));
  } catch (error) {
    await dispose();
    throw error;
  }
  return { demo, database, proxy, servers, start, [Symbol.asyncDispose]: dispose };
}
