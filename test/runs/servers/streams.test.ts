import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeGlobalId } from '../../../src/schema/global-id.ts';
import { type Member, startDeployment, type TestDeployment } from './support/deployment.ts';
import {
  asking,
  CANCEL,
  COMPLETION,
  EVENTS,
  RUN,
  type RunState,
  type StreamEvent,
  textOf,
} from './support/run-operations.ts';
import type { Transport } from './support/server-client.ts';

describe.runIf(process.env['TEST_DATABASE_URL'])('streams across servers', () => {
  let deployment: TestDeployment;
  let here: Member;
  let there: Member;
  beforeAll(async () => {
    deployment = await startDeployment({
      servers: 2,
      environment: { DISCONNECT_GRACE_MS: '1500' },
    });
    [here, there] = deployment.servers as [Member, Member];
  });
  afterAll(async () => deployment?.[Symbol.asyncDispose]());

  const stateOf = async (id: string) => (await there.client.data<RunState>(RUN, { id })).run!;

  test('a stream that drops again and again goes on, here or there, over either transport', async () => {
    const words = 400;
    const options = { onDisconnect: 'CONTINUE' };
    const rounds = Array.from({ length: 6 }, async (_, round) => {
      const prompt = `[demo:words ${words}] [demo:delay 5] round ${round}`;
      const told: StreamEvent[] = [];
      let stream = here.client.subscribe<StreamEvent>(COMPLETION, asking(prompt, options));
      let drops = 0;
      let keep = Math.ceil(Math.random() * 12);
      for (;;) {
        const step = await stream.next();
        if (step.done) break;
        told.push(step.value);
        keep -= 1;
        if (keep > 0 || drops === 8 || step.value.__typename === 'RunFinished') continue;
        stream.cut();
        drops += 1;
        keep = Math.ceil(Math.random() * 12);
        const { runId: id, cursor: after } = step.value;
        const server = Math.random() < 0.5 ? here : there;
        const over: Transport = Math.random() < 0.5 ? 'ws' : 'sse';
        stream = server.client.subscribe<StreamEvent>(EVENTS, { id, after }, over);
      }
      const whole = told.at(-1)!.run!.text;
      expect(whole.split(' ')).toHaveLength(words);
      expect(textOf(told)).toBe(whole);
      expect(told.filter(({ __typename }) => __typename !== 'TextDelta')).toHaveLength(2);
      expect(drops).toBeGreaterThan(2);
    });
    await Promise.all(rounds);
  });

  test('a run is read elsewhere at the moment that its first event is told', async () => {
    const ids = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const stream = here.client.subscribe<StreamEvent>(
          COMPLETION,
          asking(`[demo:words 30] [demo:delay 10] at once ${index}`, { onDisconnect: 'CONTINUE' }),
        );
        const { runId: id, cursor: after } = await stream.take();
        stream.cut();
        const rest = await there.client.subscribe<StreamEvent>(EVENTS, { id, after }).rest();
        expect(textOf(rest)).toBe(rest.at(-1)?.run?.text);
        return id;
      }),
    );
    expect(new Set(ids).size).toBe(20);
  });

  test('cancelRun on another server closes the socket to the provider within a second', async () => {
    const stream = here.client.subscribe<StreamEvent>(
      COMPLETION,
      asking('[demo:gate 3] [demo:words 20] c'),
    );
    const { runId } = await stream.take();
    await deployment.demo.waitForOpenCalls(1);
    const cancelled = there.client.data<{ cancelRun: object }>(CANCEL, { id: runId });
    await deployment.demo.waitForOpenCalls(0, 1_000);
    expect((await cancelled).cancelRun).toMatchObject({ status: 'CANCELLED' });
    expect((await stream.rest()).at(-1)?.error?.code).toBe('RUN_CANCELLED');
    expect((await stateOf(runId)).usage.estimated).toBe(true);
  });

  test('a cancel whose notification is lost reaches the provider within a second as well', async () => {
    const stream = here.client.subscribe<StreamEvent>(
      COMPLETION,
      asking('[demo:gate 3] [demo:words 20] lost'),
    );
    const { runId } = await stream.take();
    await deployment.demo.waitForOpenCalls(1);
    // As cancelRun does, without its signal.
    const { id } = decodeGlobalId(runId);
    const stored = () => deployment.database.query('SELECT FROM "Run" WHERE id = $1', [id]);
    await expect.poll(stored).toHaveLength(1);
    await deployment.database.query('UPDATE "Run" SET "cancelRequestedAt" = now() WHERE id = $1', [
      id,
    ]);
    await deployment.demo.waitForOpenCalls(0, 1_000);
    expect((await stream.rest()).at(-1)?.error?.code).toBe('RUN_CANCELLED');
  });

  test('a reader on another server keeps a run alive whose first connection was lost', async () => {
    const stream = here.client.subscribe<StreamEvent>(
      COMPLETION,
      asking('[demo:gate 3] [demo:words 20] d'),
    );
    const { runId: id, cursor: after } = await stream.take();
    const other = there.client.subscribe<StreamEvent>(EVENTS, { id, after });
    await other.take();
    stream.cut();
    // Longer than the grace and the pause between two of the reader's signs of life together.
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    expect(deployment.demo.openCalls).toBe(1);
    deployment.demo.release();
    expect((await other.rest()).at(-1)?.run?.status).toBe('SUCCEEDED');
  });

  test.each([['stop'], ['cut']] as const)(
    'the last reader goes on another server: %s',
    async (how) => {
      const stream = here.client.subscribe<StreamEvent>(
        COMPLETION,
        asking(`[demo:gate 3] [demo:words 20] ${how}`),
      );
      const { runId: id } = await stream.take();
      const other = there.client.subscribe<StreamEvent>(EVENTS, { id });
      await other.take();
      await other.take();
      stream.cut();
      other[how]();
      await deployment.demo.waitForOpenCalls(0, 8_000);
      await expect.poll(async () => (await stateOf(id)).status).toBe('CANCELLED');
    },
  );
});
