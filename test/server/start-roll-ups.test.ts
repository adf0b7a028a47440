import { expect, test } from 'vitest';
import { startRollUps } from '../../src/server/start-roll-ups.ts';
import { eventually } from '../ledger/support/ledger-fixture.ts';
import { recordingLog } from '../support/recording-log.ts';

test('steps follow each other until nothing is left, and it is looked again', async () => {
  const answers = [true, true, false, true, false];
  let steps = 0;
  const { log } = recordingLog();
  const rollUps = startRollUps({
    ledger: { rollUpUsage: async () => answers[steps++] ?? false },
    log,
    intervalMs: 5,
  });
  await eventually(() => steps > answers.length);
  await rollUps.close();
  const atTheEnd = steps;
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(steps).toBe(atTheEnd);
});

test('a failure is logged, and tried again', async () => {
  let steps = 0;
  const { log, entries } = recordingLog();
  const rollUps = startRollUps({
    ledger: {
      async rollUpUsage() {
        steps += 1;
        if (steps === 1) throw new Error('the database is away');
        return false;
      },
    },
    log,
    intervalMs: 5,
  });
  await eventually(() => steps > 1);
  await rollUps.close();
  expect(entries).toHaveLength(1);
});

test('closing waits for the step under way, and ends the rest after it', async () => {
  let end = (_worked: boolean): void => undefined;
  let steps = 0;
  const { log, entries } = recordingLog();
  const rollUps = startRollUps({
    ledger: {
      rollUpUsage: () => {
        steps += 1;
        return new Promise((resolve) => {
          end = resolve;
        });
      },
    },
    log,
    intervalMs: 5,
  });
  await eventually(() => steps === 1);
  let closed = false;
  const closing = rollUps.close().then(() => {
    closed = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(closed).toBe(false);
  end(true);
  await closing;
  expect(steps).toBe(1);
  expect(entries).toEqual([]);
});
