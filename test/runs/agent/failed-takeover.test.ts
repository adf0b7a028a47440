import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database, Queryable } from '../../../src/data/database.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { calls, DECIDE, rawId, runAgent, runWhen } from './support/agent-operations.ts';
import { type AgentServer, startAgentServer } from './support/start-agent-server.ts';

let database: Database;
let server: AgentServer;
/** Makes the next read of whole logs fail, as when the connection breaks. */
let broken = false;

const breaking = ({ query }: Queryable): Queryable => ({
  async query(text, values) {
    const ofRuns =
      text.includes('ORDER BY "runId", position') && (values as string[][])[0]!.length > 0;
    if (broken && ofRuns) {
      broken = false;
      throw new Error('Connection terminated unexpectedly');
    }
    return query(text, values);
  },
});

beforeAll(async () => {
  const real = await openTestDatabase();
  database = real;
  server = await startAgentServer({
    environment: { SERVER_LEASE_MS: '1000' },
    database: {
      ...real,
      ...breaking(real),
      transaction: (work) => real.transaction((transaction) => work(breaking(transaction))),
    },
  });
});
afterAll(async () => server[Symbol.asyncDispose]());

async function waiting(title: string) {
  const run = await runAgent(server, `${calls(['publish', { title }])} [demo:reply ok]`, {
    wait: true,
  });
  expect(run.status).toBe('WAITING_FOR_APPROVAL');
  return run;
}

test('a run whose log cannot be read is not taken, and taken at the next beat', async () => {
  const { id, approvals } = await waiting('Read later');
  broken = true;
  await server.execute(DECIDE, { input: { approvalId: approvals[0]!.id, approve: true } });
  expect(broken).toBe(false);
  await runWhen(server, id, 'SUCCEEDED');
});

test('a run that is a server’s own by its row only is gone on with', async () => {
  const { id } = await waiting('Astray');
  // As a takeover leaves it whose commit was not answered.
  await database.query(
    `UPDATE "Run" SET status = 'RUNNING', epoch = 2, "createdAt" = now() - interval '1 minute' WHERE id = $1`,
    [rawId(id)],
  );
  const row = () => database.query('SELECT status, epoch FROM "Run" WHERE id = $1', [rawId(id)]);
  await expect
    .poll(row, { timeout: 15_000 })
    .toEqual([{ status: 'WAITING_FOR_APPROVAL', epoch: 3 }]);
});
