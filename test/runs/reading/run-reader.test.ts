import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../../src/data/database.ts';
import { newId } from '../../../src/data/new-id.ts';
import type { RunEvent, RunEventBody } from '../../../src/kernel/events.ts';
import { LiveRun } from '../../../src/runs/live/live-run.ts';
import { LiveRuns } from '../../../src/runs/live/live-runs.ts';
import { RemoteReaders } from '../../../src/runs/live/remote-readers.ts';
import { LogWriter } from '../../../src/runs/log/log-writer.ts';
import { newRecord, newRun } from '../../../src/runs/log/new-run.ts';
import type { RunLog } from '../../../src/runs/log/run-log.ts';
import { readStoredEvents } from '../../../src/runs/log/stored-events.ts';
import { RunHandles } from '../../../src/runs/reading/run-handles.ts';
import { RunReader } from '../../../src/runs/reading/run-reader.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { testLog } from '../../support/test-log.ts';

let database: Database;
let writer: LogWriter;

beforeAll(async () => {
  database = await openTestDatabase();
  writer = new LogWriter({ database, log: testLog, delayMs: 1 });
});
afterAll(async () => {
  await writer.flush();
  await database.close();
});

function beginRun(id = newId()): LiveRun {
  const row = newRun({
    id,
    kind: 'COMPLETION',
    owner: { userId: 'u', groups: [], roles: ['USER'], apiKeyId: null, requestId: 'r' },
    serverId: newId(),
    input: {},
    model: 'm',
    options: {},
  });
  const run = new LiveRun({ row, record: newRecord(row), epoch: 1, writer });
  run.create();
  return run;
}

const reader = (runId: string, after: number, liveLog?: RunLog) =>
  new RunReader({ database, runId, after, liveLog: () => liveLog, pollMs: 5 });

/** One line for each event, neighbouring deltas joined: what a client has in the end, however it was cut. */
function story(events: readonly RunEvent[]): string[] {
  const lines: string[] = [];
  let last = '';
  for (const event of events) {
    const delta = event.type === 'TextDelta' || event.type === 'ThinkingDelta';
    if (delta && last === event.type) lines[lines.length - 1] += event.text;
    else lines.push(delta ? `${event.type} ${event.text}` : event.type);
    last = event.type;
  }
  return lines;
}

async function collect(from: RunReader, most = Infinity): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  while (events.length < most) {
    const step = await from.next();
    if (step.done) return events;
    events.push(step.value);
  }
  await from.return();
  return events;
}

const body: fc.Arbitrary<RunEventBody> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('TextDelta' as const),
      text: fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('ThinkingDelta' as const),
      text: fc.string({ minLength: 1, maxLength: 6 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant<RunEventBody>({ type: 'SourcesFound', sources: [] }) },
  {
    weight: 1,
    arbitrary: fc.constant({
      type: 'ToolAttempt' as const,
      callId: 'c',
      attempt: 1,
      childRunId: null,
    }),
  },
);

/** What the run's next server finds stored, and goes on with; what only the former one told is void. */
async function takeOver({ id, row, record }: LiveRun) {
  const serverId = newId();
  await database.query('UPDATE "Run" SET epoch = 2, "serverId" = $2 WHERE id = $1', [id, serverId]);
  const history = await readStoredEvents(database, id);
  const heir = new LiveRun({ row: { ...row, serverId }, record, epoch: 2, writer, history });
  return { heir, history };
}

/** The events up to a position. */
const upTo = (events: readonly RunEvent[], end: number): RunEvent[] =>
  events.flatMap((event) => {
    const start = event.position - event.length;
    if (event.position <= end || !('text' in event)) return event.position <= end ? [event] : [];
    return start < end ? [{ ...event, text: event.text.slice(0, end - start) }] : [];
  });

const saidIn = (events: readonly RunEventBody[]): string =>
  events.flatMap((event) => (event.type === 'TextDelta' ? event.text : '')).join('');

test('a reader that drops anywhere and resumes, live or stored or taken over, loses and repeats nothing', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(body, { minLength: 1, maxLength: 30 }),
      fc.array(fc.nat({ max: 5 }), { maxLength: 8 }),
      fc.option(fc.nat({ max: 29 })),
      fc.infiniteStream(fc.boolean()),
      async (bodies, drops, takenOverAt, coins) => {
        let run = beginRun();
        let told: RunEvent[] = [];
        let said = '';
        let position = 0;
        let left = [...drops];
        const readSome = async (liveLog?: RunLog) => {
          const some = await collect(reader(run.id, position, liveLog), left.shift() ?? 1);
          told.push(...some);
          position = some.at(-1)?.position ?? position;
        };
        for (const [index, next] of bodies.entries()) {
          if (index === takenOverAt) {
            await run.durable();
            // Told, and lost with its server.
            run.log.append({ type: 'TextDelta', text: 'lost' });
            if (coins.next().value) {
              left.unshift(1);
              await readSome(run.log);
            }
            const { heir, history } = await takeOver(run);
            told = upTo(told, history.at(-1)?.position ?? 0);
            said = saidIn(history);
            run = heir;
          }
          run.append(next);
          said += saidIn([next]);
          if (coins.next().value) await run.durable();
          const visible = run.log.read(position).some(({ type }) => type !== 'ToolAttempt');
          if (visible && left.length > 0 && coins.next().value) {
            const live = coins.next().value;
            if (!live) await run.durable();
            const ready = run.log
              .read(position)
              .filter(({ type }) => type !== 'ToolAttempt').length;
            left[0] = Math.min(left[0]!, ready);
            await readSome(live ? run.log : undefined);
          }
        }
        await run.end({ status: 'SUCCEEDED' }, { type: 'RunFinished' });
        left = [];
        told.push(
          ...(await collect(reader(run.id, position, coins.next().value ? run.log : undefined))),
        );
        const whole = story(await collect(reader(run.id, 0)));
        expect(story(told)).toEqual(whole);
        expect(saidIn(told)).toBe(said.toWellFormed().replaceAll('\0', '\ufffd'));
        expect(told.at(-1)?.type).toBe('RunFinished');
      },
    ),
    { numRuns: 60 },
  );
});

test('a surrogate pair that comes in two deltas is told whole', async () => {
  const run = beginRun();
  run.append({ type: 'TextDelta', text: 'a\ud83d' });
  const live = reader(run.id, 0, run.log);
  expect((await live.next()).value).toMatchObject({ text: 'a' });
  run.append({ type: 'TextDelta', text: '\ude00b' });
  expect((await live.next()).value).toMatchObject({ text: '😀b' });
  await run.end({ status: 'SUCCEEDED' }, { type: 'RunFinished' });
});

test('what a reader is far behind comes in pieces, none of which ends inside a code point', async () => {
  const run = beginRun();
  const text = `x${'😀'.repeat(20_000)}`;
  run.append({ type: 'TextDelta', text });
  await run.end({ status: 'SUCCEEDED' }, { type: 'RunFinished' });
  for (const liveLog of [run.log, undefined]) {
    const events = await collect(reader(run.id, 0, liveLog));
    const parts = events.flatMap((event) => (event.type === 'TextDelta' ? event.text : []));
    expect(parts.join('')).toBe(text);
    expect(parts.length).toBeGreaterThan(2);
    expect(parts.every((part) => part.isWellFormed())).toBe(true);
    const [first] = events;
    const rest = await collect(reader(run.id, first!.position, liveLog));
    expect(rest).toEqual(events.slice(1));
  }
});

test('a run that is taken over tells its end beyond what its former server had told', async () => {
  const run = beginRun();
  run.append({ type: 'TextDelta', text: 'stored' });
  await run.durable();
  run.log.append({ type: 'TextDelta', text: ', told, and lost with its server' });
  const [told] = run.log.read(0).slice(-1);
  const { heir } = await takeOver(run);
  heir.append({ type: 'TextDelta', text: ' and more' });
  await heir.end({ status: 'FAILED' }, { type: 'RunFinished' });
  for (const liveLog of [heir.log, undefined]) {
    expect(story(await collect(reader(run.id, told!.position, liveLog)))).toEqual([
      'TextDelta  and more',
      'RunFinished',
    ]);
    expect(story(await collect(reader(run.id, 0, liveLog)))).toEqual([
      'TextDelta stored and more',
      'RunFinished',
    ]);
  }
});

test('a reader outlasts a database that is away, and rejects when its statement is at fault', async () => {
  const run = beginRun();
  run.append({ type: 'TextDelta', text: 'still here' });
  await run.end({ status: 'SUCCEEDED' }, { type: 'RunFinished' });
  const failing = (errors: Error[]): Database => ({
    ...database,
    async query(text, values) {
      const error = errors.shift();
      if (error) throw error;
      return database.query(text, values);
    },
  });
  const open = (...errors: Error[]) =>
    new RunReader({
      database: failing(errors),
      runId: run.id,
      after: 0,
      liveLog: () => undefined,
    });
  const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  const stopping = Object.assign(new Error('terminating connection'), { code: '57P01' });
  const away = [refused, new Error('Connection terminated unexpectedly'), stopping];
  for (const events of await Promise.all(away.map((error) => collect(open(error))))) {
    expect(story(events)).toEqual(['TextDelta still here', 'RunFinished']);
  }
  const waiting = open(...away);
  const pending = waiting.next();
  await waiting.return();
  expect((await pending).done).toBe(true);
  const wrong = Object.assign(new Error('no such column'), { code: '42703' });
  await expect(collect(open(wrong))).rejects.toThrow('no such column');
});

test('return() ends a reader that waits for a silent run', async () => {
  const run = beginRun();
  const waiting = reader(run.id, 0, run.log);
  const pending = waiting.next();
  await waiting.return();
  expect((await pending).done).toBe(true);
  await run.end({ status: 'SUCCEEDED' }, { type: 'RunFinished' });
});

test('writes under an older epoch are refused, and the reader goes over to what is stored', async () => {
  const run = beginRun();
  run.append({ type: 'TextDelta', text: 'mine' });
  await run.durable();
  await database.query('UPDATE "Run" SET epoch = epoch + 1 WHERE id = $1', [run.id]);
  run.append({ type: 'TextDelta', text: ' too late' });
  await expect(run.durable()).rejects.toThrow('stopped');
  expect(run.fenced).toBe(true);
  const stored = await database.query('SELECT payload FROM "RunEvent" WHERE "runId" = $1', [
    run.id,
  ]);
  expect(stored).toEqual([{ payload: { text: 'mine' } }]);
});

test('a run that was never stored is told as interrupted, however it is read', async () => {
  const lost = '018f0000-0000-7000-8000-000000000001';
  await expect(reader(lost, 0).next()).rejects.toMatchObject({ code: 'RUN_INTERRUPTED' });
  const remoteReaders = new RemoteReaders(database, 1_000);
  const liveRuns = new LiveRuns({ graceMs: 1, log: testLog, remoteSilenceMs: async () => 0 });
  const handle = new RunHandles({ database, liveRuns, remoteReaders }).open(lost);
  await expect(handle.result()).rejects.toMatchObject({ code: 'RUN_INTERRUPTED' });
  handle.leave('unsubscribed');
});

test('a run whose row is still on its way is waited for', async () => {
  const id = newId();
  const pending = reader(id, 0).next();
  await new Promise(setImmediate);
  const run = beginRun(id);
  run.append({ type: 'RunStarted', model: 'm', promptVersionId: null });
  await run.durable();
  expect((await pending).value).toMatchObject({ type: 'RunStarted' });
  await run.end({ status: 'SUCCEEDED' }, { type: 'RunFinished' });
});
