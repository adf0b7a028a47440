import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Database } from '../../../src/data/database.ts';
import { openDatabase } from '../../../src/data/open-database.ts';
import { startDemoModel } from '../../../src/demo-model/demo-model-server.ts';
import { startServerProcess } from '../../runs/agent/support/server-process.ts';
import { createServerDatabase } from '../../support/server-template.ts';
import { testLog } from '../../support/test-log.ts';
import {
  complete,
  inputOf,
  type Outcome,
  RUN,
  runAgent,
  STREAM,
  type StreamEvent,
} from '../support/money-operations.ts';
import { createReferee } from '../support/referee.ts';

const leaseMs = 1_000;

/** A database that outlives the processes on it. */
async function openPlace() {
  const serverUrl = process.env['TEST_DATABASE_URL'];
  if (serverUrl) {
    const { url, drop } = await createServerDatabase(serverUrl);
    const open = (): Promise<Database> => openDatabase({ url, log: testLog });
    return { environment: { DATABASE_URL: url }, open, remove: drop };
  }
  const dataDir = await mkdtemp(path.join(tmpdir(), 'tessera-money-'));
  const remove = (): Promise<void> => rm(dataDir, { recursive: true, force: true });
  const open = (): Promise<Database> => openDatabase({ dataDir, log: testLog });
  return { environment: { DATA_DIR: dataDir }, open, remove };
}

test('a killed server leaves nothing held: its calls are settled by estimate, and all sums agree', async () => {
  await using demo = await startDemoModel();
  const place = await openPlace();
  const environment = {
    ...place.environment,
    ANTHROPIC_BASE_URL: demo.url,
    TESSERA_CONFIG: 'test/ledger/fixtures/money.config.ts',
    SERVER_LEASE_MS: String(leaseMs),
  };
  const first = await startServerProcess(environment);
  expect((await complete(first, '[demo:words 30] whole')).status).toBe('SUCCEEDED');
  // Few words each: what a kill keeps from being stored, a quarter of a second, stays within the tolerance.
  const cut = first.subscribe<StreamEvent>(STREAM, inputOf('[demo:gate 8] [demo:words 90] cut'));
  const { runId } = await cut.take();
  const options = { onDisconnect: 'CONTINUE', maxCost: '1' };
  const agent = runAgent(first, '[demo:gate 8] [demo:words 30] agent', options);
  agent.catch(() => undefined);
  await demo.waitForGatedCalls(2);
  // What came is stored at most 250 ms later; nothing that a client sees tells when.
  await delay(500);
  await first.kill();
  await demo.waitForOpenCalls(0);
  const killedAt = Date.now();

  const second = await startServerProcess(environment);
  const read = async (): Promise<Outcome> =>
    (await second.data<{ run: Outcome }>(RUN, { id: runId })).run;
  await expect
    .poll(read, { timeout: 15_000 })
    .toMatchObject({ status: 'FAILED', error: { code: 'RUN_INTERRUPTED' } });
  expect(Date.now() - killedAt).toBeLessThan(60_000);
  expect(await read()).toMatchObject({ usage: { estimated: true } });
  // The agent takes its turn anew on the other server, and that is another bill.
  await demo.waitForGatedCalls(1, 15_000);
  demo.release();
  await demo.waitForOpenCalls(0);
  await second.terminate();

  const database = await place.open();
  const { billed, records } = await createReferee({ demo, database })();
  expect(billed).toHaveLength(4);
  const statuses = records.map(({ status }) => status).sort();
  expect(statuses).toEqual(['interrupted', 'interrupted', 'succeeded', 'succeeded']);
  for (const { status, estimated } of records) expect(estimated).toBe(status === 'interrupted');
  await database.close();
  await place.remove();
});
