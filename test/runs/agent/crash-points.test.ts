import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../../src/data/database.ts';
import type { RunEvent } from '../../../src/kernel/events.ts';
import { readAllStoredEvents } from '../../../src/runs/log/stored-events.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { calls, decide, rawId, readRun, runAgent } from './support/agent-operations.ts';
import { crashServers } from './support/crash-servers.ts';
import { type AgentServer, startAgentServer } from './support/start-agent-server.ts';

let server: AgentServer;
let database: Database;
/** Steps left to each crash still to come: a transaction begun or committed, an effect. */
let crashes: number[] = [];

async function step(): Promise<void> {
  crashes = crashes.map((left) => left - 1);
  if (!crashes.includes(0)) return;
  crashes = crashes.filter((left) => left > 0);
  await crashServers(database);
}

beforeAll(async () => {
  database = await openTestDatabase();
  const crashing: Database = {
    ...database,
    async transaction(work, settings) {
      await step();
      const result = await database.transaction(work, settings);
      await step();
      return result;
    },
  };
  server = await startAgentServer({
    database: crashing,
    environment: { SERVER_LEASE_MS: '1000' },
  });
  server.world.onEffect = step;
});
afterAll(async () => server[Symbol.asyncDispose]());

const toolCall = fc.oneof(
  fc.record({ amount: fc.integer({ min: 1, max: 99 }) }).map((input) => ['charge', input] as const),
  fc.record({ text: fc.constant('n') }).map((input) => ['note', input] as const),
  fc.constant([
    'helper',
    { message: `${calls(['charge', { amount: 5 }])} [demo:reply ok]` },
  ] as const),
);
/** Whoever wants a person's yes gets it. */
const asking = fc.oneof(
  fc.record({ title: fc.constant('Yes!') }).map((input) => ['publish', input] as const),
  fc.constant([
    'helper',
    { message: `${calls(['publish', { title: 'From below' }])} [demo:reply ok]` },
  ] as const),
);
const plan = fc.array(fc.array(fc.oneof(toolCall, asking), { minLength: 1, maxLength: 3 }), {
  minLength: 1,
  maxLength: 3,
});
const crashPoints = fc.uniqueArray(fc.integer({ min: 1, max: 45 }), { minLength: 1, maxLength: 4 });

const of = <Type extends RunEvent['type']>(log: readonly RunEvent[], type: Type) =>
  log.filter((event): event is Extract<RunEvent, { type: Type }> => event.type === type);

function checkLog(log: readonly RunEvent[]): void {
  const results = of(log, 'ToolCallFinished').map(({ callId }) => callId);
  expect(new Set(results).size).toBe(results.length);
  const turns = of(log, 'AssistantTurn').map(({ number }) => number);
  expect(turns).toEqual(turns.map((_, index) => index + 1));
  for (const result of of(log, 'ToolCallFinished')) {
    const { attempts } = result;
    const begun = of(log, 'ToolAttempt').filter(({ callId }) => callId === result.callId);
    expect(begun.length).toBe(attempts);
  }
}

/** Decides whatever the run and its sub-agents ask, until it has ended. */
async function approveAll(id: string): Promise<void> {
  const until = Date.now() + 30_000;
  for (let run = await readRun(server, id); run.status !== 'SUCCEEDED'; ) {
    if (run.error || Date.now() > until) throw new Error(JSON.stringify(run));
    for (const { id: approvalId, status } of run.approvals) {
      if (status === 'PENDING') await decide(server, { approvalId, approve: true });
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
    run = await readRun(server, id);
  }
}

/** Effects by call. */
const byCall = (runIds: readonly string[], tool: string) =>
  Map.groupBy(
    server.world.effects.filter((effect) => effect.tool === tool && runIds.includes(effect.runId)),
    ({ runId, callId }) => `${runId}:${callId}`,
  );

test('wherever the server crashes, a call that is not idempotent has one effect at most', async () => {
  await fc.assert(
    fc.asyncProperty(plan, crashPoints, async (turns, points) => {
      const script = turns.map((made) =>
        calls(...made.map(([t, i]) => [t, i] as [string, object])),
      );
      crashes = points;
      const { id } = await runAgent(server, `${script.join('[demo:next]')} [demo:reply done]`);
      await approveAll(id);
      crashes = [];

      const children = await database.query<{ id: string }>(
        `SELECT id FROM "Run" WHERE "parentRunId" = $1`,
        [rawId(id)],
      );
      const runIds = [rawId(id), ...children.map((child) => child.id)];
      const logs = await readAllStoredEvents(database, runIds);
      logs.forEach(checkLog);
      expect(children.length).toBe(turns.flat().filter(([tool]) => tool === 'helper').length);

      for (const effects of byCall(runIds, 'charge').values()) expect(effects).toHaveLength(1);
      const approved = await database.query<{ call: string }>(
        `SELECT "runId" || ':' || "callId" AS call FROM "Approval"
         WHERE "runId" = ANY($1::uuid[]) AND status = 'APPROVED'`,
        [runIds],
      );
      for (const [call, effects] of byCall(runIds, 'publish')) {
        expect(effects).toHaveLength(1);
        expect(approved).toContainEqual({ call });
      }
      for (const effects of byCall(runIds, 'note').values()) {
        expect(new Set(effects.map(({ key }) => key)).size).toBe(1);
        expect(new Set(effects.map(({ attempt }) => attempt)).size).toBe(effects.length);
      }
      const charged = logs.flatMap((log) =>
        of(log, 'ToolCallFinished').filter(({ tool, isError }) => tool === 'charge' && !isError),
      );
      const charges = byCall(runIds, 'charge');
      for (const { runId, callId } of charged) expect(charges.has(`${runId}:${callId}`)).toBe(true);
    }),
    { numRuns: 12 },
  );
}, 150_000);
