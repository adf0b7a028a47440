import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Member, startDeployment, type TestDeployment } from './support/deployment.ts';
import {
  asking,
  COMPLETE,
  COMPLETION,
  EVENTS,
  RUN,
  type RunState,
  type StreamEvent,
  textOf,
} from './support/run-operations.ts';

describe.runIf(process.env['TEST_DATABASE_URL'])('a server that is restarted', () => {
  let deployment: TestDeployment;
  beforeAll(async () => {
    deployment = await startDeployment({ servers: 2, environment: { SERVER_LEASE_MS: '2000' } });
  });
  afterAll(async () => deployment?.[Symbol.asyncDispose]());

  const begin = (server: Member, name: string) =>
    Promise.all(
      Array.from({ length: 4 }, async (_, index) => {
        const prompt = asking(`[demo:gate 3] [demo:words 20] ${name} ${index}`);
        const stream = server.client.subscribe<StreamEvent>(
          COMPLETION,
          prompt,
          index % 2 ? 'sse' : 'ws',
        );
        return { stream, head: [await stream.take(), await stream.take()] };
      }),
    );
  type Begun = Awaited<ReturnType<typeof begin>>;

  const readOn = (server: Member, begun: Begun) =>
    begun.map(({ head }) =>
      server.client.subscribe<StreamEvent>(EVENTS, { id: head[0]!.runId }).rest(),
    );
  const expectWhole = (events: readonly StreamEvent[]) => {
    expect(events.at(-1)?.run?.status).toBe('SUCCEEDED');
    expect(textOf(events)).toBe(events.at(-1)?.run?.text);
  };
  const expectEnd = async (begun: Begun) => {
    for (const { stream, head } of begun) expectWhole([...head, ...(await stream.rest())]);
  };

  test('ends what it has in flight, while all streams beside it and across go on', async () => {
    const [leaving, staying] = deployment.servers as [Member, Member];
    const old = await begin(leaving, 'on the one that leaves');
    const beside = await begin(staying, 'on the one that stays');
    await expect.poll(() => deployment.demo.gatedCalls).toBe(8);
    const across = readOn(staying, old);

    leaving.signal('SIGTERM');
    const refused = async () => (await leaving.client.execute(COMPLETE, asking('late'))).status;
    await expect.poll(refused).toBe(503);
    const again = await deployment.start();
    const young = await begin(again, 'on the one that is back');
    const back = readOn(again, beside);
    await expect.poll(() => deployment.demo.gatedCalls).toBe(12);
    deployment.demo.release();
    await Promise.all([old, beside, young].map(expectEnd));
    for (const events of await Promise.all([...across, ...back])) expectWhole(events);
    expect(await leaving.exited).toBe(0);

    for (const { head } of old) {
      const { run } = await again.client.data<RunState>(RUN, { id: head[0]!.runId });
      expect(run).toMatchObject({ status: 'SUCCEEDED', usage: { estimated: false } });
    }
    const [left] = await deployment.database.query(
      `SELECT (SELECT count(*)::int FROM "Hold") AS holds,
              (SELECT count(*)::int FROM "Run" WHERE epoch > 1 OR "finishedAt" IS NULL) AS moved`,
    );
    expect(left).toEqual({ holds: 0, moved: 0 });
  });
});
