import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  completeNamed,
  type Outcome,
  RUN,
  STREAM,
  type StreamEvent,
} from '../../ledger/support/money-operations.ts';
import { type MoneyServer, startMoneyServer } from '../../ledger/support/start-money-server.ts';

let server: MoneyServer;
beforeAll(async () => {
  server = await startMoneyServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const good = { verdict: expect.stringMatching(/yes|no/) };
const judging = (text: string) => ({
  input: { prompt: { named: { name: 'patient_judge', variables: { text } } } },
});
const textOf = (events: StreamEvent[]): string => events.map(({ text }) => text ?? '').join('');

test('an answer that is not of its schema is not kept: the next call asks the model anew', async () => {
  server.demo.script({ kind: 'invalid_structured_output' });
  expect(await completeNamed(server, 'judge', 'Kept?')).toMatchObject({ code: 'OUTPUT_INVALID' });
  const again = await completeNamed(server, 'judge', 'Kept?');
  expect(again).toMatchObject({ cached: false, output: good });
  expect((await server.referee()).billed).toHaveLength(2);
});

test('a repaired answer is kept in place of the bad one, and is paid for once', async () => {
  server.demo.script({ kind: 'invalid_structured_output' });
  const repaired = await completeNamed(server, 'patient_judge', 'Mended?');
  expect(repaired).toMatchObject({ cached: false, output: good });
  const again = await completeNamed(server, 'patient_judge', 'Mended?');
  expect(again).toMatchObject({ cached: true, cost: '0', text: repaired.text });
  expect((await server.referee()).billed).toHaveLength(2);
});

test('who shares a bad answer and mends it is not told that it came from the cache', async () => {
  const letGo = server.demo.hold();
  server.demo.script({ kind: 'invalid_structured_output' });
  const both = [1, 2].map(() => completeNamed(server, 'patient_judge', 'Shared?'));
  await server.demo.waitForOpenCalls(1);
  const running = `SELECT id FROM "Run" WHERE status = 'RUNNING'`;
  await expect.poll(() => server.database.query(running)).toHaveLength(2);
  letGo();
  for (const { cached, cost } of await Promise.all(both)) {
    expect([cached, cost]).toEqual([false, expect.not.stringMatching(/^0$/)]);
  }
  await server.referee();
});

test('the mending call is told what to do, and may refuse', async () => {
  server.demo.script({ kind: 'invalid_structured_output' }, { kind: 'refusal', afterDeltas: 1 });
  const refused = await completeNamed(server, 'patient_judge', 'Refused?');
  expect(refused).toMatchObject({ code: 'MODEL_REFUSED', retryable: false });
  const { messages } = server.demo.requests.at(-1)!.body as { messages: { content: unknown }[] };
  expect(JSON.stringify(messages.at(-1))).toMatch(/Give the whole answer once more.*\\n- /);
  await server.referee();
});

test('what may be repaired is told once it is good: the deltas are the text of the run', async () => {
  server.demo.script({ kind: 'invalid_structured_output' });
  const events = await server.subscribe<StreamEvent>(STREAM, judging('Streamed?')).rest();
  const { run } = await server.data<{ run: Outcome }>(RUN, { id: events[0]!.runId });
  expect(JSON.parse(run.text)).toEqual(good);
  expect(textOf(events)).toBe(run.text);
  server.demo.script({ kind: 'invalid_structured_output' }, { kind: 'invalid_structured_output' });
  const failed = await server.subscribe<StreamEvent>(STREAM, judging('In vain?')).rest();
  expect([textOf(failed), failed.at(-1)?.error?.code]).toEqual(['', 'OUTPUT_INVALID']);
  await server.referee();
});
