import { expect } from 'vitest';
import type { TestDeployment } from './deployment.ts';
import {
  asking,
  COMPLETE,
  COMPLETION,
  RUN,
  type RunState,
  type StreamEvent,
  textOf,
} from './run-operations.ts';
import type { ClientStream } from './server-client.ts';

/** A stream and the events that were taken from it. */
export interface StreamInFlight {
  stream: ClientStream<StreamEvent>;
  head: StreamEvent[];
}

/** Begins five streams on each server, one server's after the other's. */
export const beginStreams = ({ servers }: TestDeployment, prompt: string) =>
  Promise.all(
    servers.flatMap(({ client }, server) =>
      Array.from({ length: 5 }, async (_, index): Promise<StreamInFlight> => {
        const text = `${prompt} ${server} ${index}`;
        const stream = client.subscribe<StreamEvent>(COMPLETION, asking(text));
        return { stream, head: [await stream.take(), await stream.take()] };
      }),
    ),
  );

/** The streams end whole, and nothing is left running, held, or billed twice. */
export async function expectAllWell(deployment: TestDeployment, begun: readonly StreamInFlight[]) {
  const reader = deployment.servers.at(-1)!.client;
  for (const { stream, head } of begun) {
    const events = [...head, ...(await stream.rest())];
    expect(events.at(-1)?.run?.status).toBe('SUCCEEDED');
    expect(textOf(events)).toBe(events.at(-1)?.run?.text);
    const { run } = await reader.data<RunState>(RUN, { id: events[0]!.runId });
    expect(run).toMatchObject({ status: 'SUCCEEDED', usage: { estimated: false } });
  }
  const [left] = await deployment.database.query<{ holds: number; running: number }>(
    `SELECT (SELECT count(*)::int FROM "Hold") AS holds,
            (SELECT count(*)::int FROM "Run" WHERE "finishedAt" IS NULL) AS running`,
  );
  expect(left).toEqual({ holds: 0, running: 0 });
  const twice = await deployment.database.query(
    `SELECT "runId" FROM "UsageRecord" GROUP BY "runId" HAVING count(*) > 1`,
  );
  expect(twice).toEqual([]);
}

/** Every server answers a new call within 15 s. */
export async function expectServing({ servers }: TestDeployment) {
  for (const { client } of servers) {
    const status = async () =>
      (await client.execute<{ complete: { status: string } }>(COMPLETE, asking('after'))).data
        ?.complete.status;
    await expect.poll(status, { timeout: 15_000 }).toBe('SUCCEEDED');
  }
}
