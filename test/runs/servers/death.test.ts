import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeGlobalId } from '../../../src/schema/global-id.ts';
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

describe.runIf(process.env['TEST_DATABASE_URL'])('servers that die or freeze', () => {
  let deployment: TestDeployment;
  let survivor: Member;
  beforeAll(async () => {
    deployment = await startDeployment({ servers: 1, environment: { SERVER_LEASE_MS: '2000' } });
    survivor = deployment.servers[0]!;
  });
  afterAll(async () => deployment?.[Symbol.asyncDispose]());

  const stateOf = async (id: string) => (await survivor.client.data<RunState>(RUN, { id })).run!;
  const rowsOf = async (table: 'Hold' | 'UsageRecord', globalId: string) =>
    deployment.database.query(`SELECT * FROM "${table}" WHERE "runId" = $1`, [
      decodeGlobalId(globalId).id,
    ]);
  const begin = async (server: Member, name: string) => {
    const prompt = asking(`[demo:gate 20] [demo:words 60] ${name}`);
    const stream = server.client.subscribe<StreamEvent>(COMPLETION, prompt);
    const head = [await stream.take()];
    await expect.poll(() => deployment.demo.gatedCalls).toBe(1);
    while (textOf(head).split(' ').length < 20) head.push(await stream.take());
    return { stream, head, id: head[0]!.runId };
  };

  test('a killed server: its completion ends with the text that came, and is paid for', async () => {
    const doomed = await deployment.start();
    const { head, id } = await begin(doomed, 'killed');
    const elsewhere = survivor.client.subscribe<StreamEvent>(EVENTS, { id });
    const told: StreamEvent[] = [];
    while (textOf(told) !== textOf(head)) told.push(await elsewhere.take());
    doomed.signal('SIGKILL');
    told.push(...(await elsewhere.rest()));
    expect(told.at(-1)?.error?.code).toBe('RUN_INTERRUPTED');
    const run = await stateOf(id);
    expect(run).toMatchObject({ status: 'FAILED', error: { code: 'RUN_INTERRUPTED' } });
    expect(run.text).toBe(textOf(head));
    expect(run.usage.estimated).toBe(true);
    expect(run.usage.outputTokens).toBeGreaterThan(0);
    expect(await rowsOf('Hold', id)).toHaveLength(0);
    expect(await rowsOf('UsageRecord', id)).toHaveLength(1);
  });

  test('a client that had read more than was stored is told the end as well', async () => {
    const doomed = await deployment.start();
    const { head, id } = await begin(doomed, 'ahead');
    doomed.signal('SIGKILL');
    const after = head.at(-1)!.cursor;
    const rest = await survivor.client.subscribe<StreamEvent>(EVENTS, { id, after }).rest();
    expect(rest.map(({ __typename }) => __typename)).toEqual(['RunFailed']);
  });

  test('a frozen server that thaws can no longer write what was taken over', async () => {
    const frozen = await deployment.start();
    const { stream, head, id } = await begin(frozen, 'frozen');
    // Its row is written in the background: nobody can take over what nobody else has heard of.
    await expect.poll(() => survivor.client.data(RUN, { id })).toMatchObject({ run: {} });
    frozen.signal('SIGSTOP');
    await expect.poll(async () => (await stateOf(id)).status, { timeout: 15_000 }).toBe('FAILED');
    const before = await stateOf(id);
    deployment.demo.release();
    frozen.signal('SIGCONT');
    const end = await stream.rest();
    expect(end.at(-1)?.error?.code).toBe('RUN_INTERRUPTED');
    expect(textOf([...head, ...end]).startsWith(before.text)).toBe(true);
    // It serves on.
    const { complete } = await frozen.client.data<{ complete: object }>(COMPLETE, asking('again'));
    expect(complete).toMatchObject({ status: 'SUCCEEDED' });
    const { status, text } = await stateOf(id);
    expect({ status, text }).toEqual({ status: 'FAILED', text: before.text });
    // The one record tells what was billed instead of the estimate, as soon as the thawed server has settled it.
    await expect.poll(async () => (await stateOf(id)).usage.estimated).toBe(false);
    expect(await rowsOf('UsageRecord', id)).toHaveLength(1);
    expect(await rowsOf('Hold', id)).toHaveLength(0);
  });
});
