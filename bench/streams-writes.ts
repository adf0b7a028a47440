import type { Database } from '../src/data/database.ts';
import { newId } from '../src/data/new-id.ts';
import { LiveRun } from '../src/runs/live/live-run.ts';
import { LogWriter } from '../src/runs/log/log-writer.ts';
import { newRecord, newRun } from '../src/runs/log/new-run.ts';
import { testLog } from '../test/support/test-log.ts';

const runs = 200;
const rounds = 50;

function beginRun(writer: LogWriter): LiveRun {
  const row = newRun({
    id: newId(),
    serverId: newId(),
    kind: 'COMPLETION',
    input: {},
    model: 'm',
    options: {},
    owner: { userId: 'u', groups: [], roles: ['USER'], apiKeyId: null, requestId: 'r' },
  });
  const run = new LiveRun({ row, record: newRecord(row), epoch: 1, writer });
  run.create();
  return run;
}

/** Events that cannot be merged, of 200 runs at once, each round stored before the next: how many a second. */
export async function eventsWritten(database: Database): Promise<number> {
  const writer = new LogWriter({ database, log: testLog });
  const live = Array.from({ length: runs }, () => beginRun(writer));
  await writer.flush();
  const start = performance.now();
  for (let round = 0; round < rounds; round += 1) {
    for (const run of live) {
      run.append({
        type: 'TextDelta',
        text: 'Some words of an answer, as many as come in 150 ms.',
      });
      run.append({ type: 'SourcesFound', sources: [] });
    }
    await Promise.all(live.map((run) => run.durable()));
  }
  const seconds = (performance.now() - start) / 1_000;
  await Promise.all(live.map((run) => run.end({ status: 'SUCCEEDED' }, { type: 'RunFinished' })));
  return (runs * rounds * 2) / seconds;
}
