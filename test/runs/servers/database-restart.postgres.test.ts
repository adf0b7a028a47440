import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PostgresCluster, postgresCluster } from '../../../scripts/postgres-cluster.ts';
import { hasPostgres } from '../../../scripts/postgres-programs.ts';
import { startDeployment, type TestDeployment } from './support/deployment.ts';
import { EVENTS, type StreamEvent, textOf } from './support/run-operations.ts';
import { beginStreams, expectAllWell, expectServing } from './support/streams-in-flight.ts';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const able = await hasPostgres();
const name = able ? 'a PostgreSQL' : 'a PostgreSQL (skipped: npm run postgres:start unpacks one)';

describe.runIf(able)(name, () => {
  let cluster: PostgresCluster;
  let deployment: TestDeployment;
  beforeAll(async () => {
    const port = await freePort();
    cluster = postgresCluster({ folder: `restarted-${port}`, port });
    await cluster.start();
    const environment = { SERVER_LEASE_MS: '2000' };
    deployment = await startDeployment({ servers: 2, environment, postgresUrl: cluster.url });
  });
  afterAll(async () => {
    await deployment?.[Symbol.asyncDispose]();
    await cluster?.stop('immediate');
    await cluster?.remove();
  });

  test.each(['immediate', 'fast'] as const)(
    'restarted (%s): its streams end whole',
    async (mode) => {
      const { demo, servers } = deployment;
      const begun = await beginStreams(deployment, `[demo:gate 3] [demo:words 200] ${mode}`);
      await expect.poll(() => demo.gatedCalls).toBe(10);
      const elsewhere = await Promise.all(
        begun.map(async ({ head }, index) => {
          const { client } = servers[index < 5 ? 1 : 0]!;
          const stream = client.subscribe<StreamEvent>(EVENTS, { id: head[0]!.runId });
          return { stream, head: [await stream.take()] };
        }),
      );
      const restarted = cluster.restart(mode);
      demo.release();
      await restarted;
      await expectServing(deployment);
      for (const { stream, head } of elsewhere) {
        const events = [...head, ...(await stream.rest())];
        expect(textOf(events)).toBe(events.at(-1)?.run?.text);
      }
      await expectAllWell(deployment, begun);
    },
  );
});
