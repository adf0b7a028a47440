import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../../src/data/database.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import {
  CANCEL,
  calls,
  decide,
  PENDING,
  rawId,
  runAgent,
  runWhen,
} from './support/agent-operations.ts';
import { type AgentServer, startAgentServer } from './support/start-agent-server.ts';

let server: AgentServer;
/** Logs are not written from the moment that a person is asked: the run is not yet known to wait. */
let held = false;
let asked = Promise.withResolvers<void>();

beforeAll(async () => {
  const database = await openTestDatabase();
  const holding: Database = {
    ...database,
    async query<Row extends object>(text: string, values?: readonly unknown[]) {
      const rows = await database.query<Row>(text, values);
      if (text.includes('INSERT INTO "Approval"')) {
        held = true;
        asked.resolve();
      }
      return rows;
    },
    transaction: (work) =>
      database.transaction((transaction) =>
        work({
          async query(text, values) {
            // The log's writer tries again until it is let.
            if (held && text.includes('FOR SHARE OF r')) throw new Error('held');
            return transaction.query(text, values);
          },
        }),
      ),
  };
  // No beat within the test: what is lost in the race is not found later.
  server = await startAgentServer({
    database: holding,
    environment: { SERVER_LEASE_MS: '3600000' },
  });
});
afterAll(async () => server[Symbol.asyncDispose]());

async function askAndHold(): Promise<string> {
  asked = Promise.withResolvers();
  const { id } = await runAgent(server, `${calls(['publish', { title: 'Race' }])} [demo:reply ok]`);
  await asked.promise;
  return id;
}

test('a decision made before the run is known to wait resumes it at once', async () => {
  const id = await askAndHold();
  const { approvals } = await server.data<{ approvals: { edges: { node: { id: string } }[] } }>(
    PENDING,
  );
  const { status } = await decide(server, {
    approvalId: approvals.edges[0]!.node.id,
    approve: true,
  });
  expect(status).toBe('APPROVED');
  held = false;
  await runWhen(server, id, 'SUCCEEDED');
  expect(await server.world.waitFor('publish', rawId(id))).toHaveLength(1);
});

test('a cancel that comes while the run goes to wait ends it', async () => {
  const id = await askAndHold();
  const cancel = server.data<{ cancelRun: object }>(CANCEL, { id });
  held = false;
  expect((await cancel).cancelRun).toEqual({ __typename: 'AgentRun', status: 'CANCELLED' });
});
