import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { newId } from '../../../src/data/new-id.ts';
import { LiveRun } from '../../../src/runs/live/live-run.ts';
import { LogWriter } from '../../../src/runs/log/log-writer.ts';
import { newRecord, newRun } from '../../../src/runs/log/new-run.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { testLog } from '../../support/test-log.ts';

test('text waits less for its write where writes take long', async () => {
  await using database = await openTestDatabase();
  const writeMs = 1_500;
  let writes = 0;
  const writer = new LogWriter({
    log: testLog,
    delayMs: 2_000,
    database: {
      ...database,
      async transaction(work, settings) {
        const result = await database.transaction(work, settings);
        await delay(writeMs);
        writes += 1;
        return result;
      },
    },
  });
  const row = newRun({
    id: newId(),
    kind: 'COMPLETION',
    serverId: newId(),
    input: {},
    model: 'm',
    options: {},
    owner: { userId: 'u', groups: [], roles: ['USER'], apiKeyId: null, requestId: 'r' },
  });
  const run = new LiveRun({ row, record: newRecord(row), epoch: 1, writer });
  run.create();
  await run.durable();
  const before = writes;
  const from = performance.now();
  run.append({ type: 'TextDelta', text: 'told' });
  await expect.poll(() => writes, { timeout: 10_000 }).toBe(before + 1);
  // The whole delay and a write: 3.5 s.
  expect(performance.now() - from).toBeLessThan(3_000);
  await run.end({ status: 'SUCCEEDED' }, { type: 'RunFinished' });
});
