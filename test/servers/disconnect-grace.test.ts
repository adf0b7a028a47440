import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeGlobalId } from '../../src/schema/global-id.ts';
import { startTestServer } from '../support/start-test-server.ts';
import { type Member, startDeployment, type TestDeployment } from './support/deployment.ts';
import { asking, COMPLETION, EVENTS, type StreamEvent } from './support/run-operations.ts';
import { clientOf } from './support/server-client.ts';

const graceMs = 4_000;
const environment = { DISCONNECT_GRACE_MS: String(graceMs) };

const begin = async ({ client }: Pick<Member, 'client'>, name: string) => {
  const prompt = asking(`[demo:fault stall afterDeltas=2] ${name}`);
  const stream = client.subscribe<StreamEvent>(COMPLETION, prompt);
  const { runId: id } = await stream.take();
  return { stream, id };
};

const join = async ({ client }: Pick<Member, 'client'>, id: string) => {
  const stream = client.subscribe<StreamEvent>(EVENTS, { id });
  await stream.take();
  return stream;
};

/** How long the call to the model stays open from now on. */
const openFor = async (demo: TestDeployment['demo']): Promise<number> => {
  const from = performance.now();
  await demo.waitForOpenCalls(0, 5 * graceMs);
  return performance.now() - from;
};

test('each loss of the last reader has a whole grace of its own', async () => {
  await using whole = await startTestServer({ environment });
  const server = { client: clientOf(whole.url, whole.adminKey), demo: whole.demo };
  const { stream, id } = await begin(server, 'back for a while');
  await server.demo.waitForOpenCalls(1);
  stream.cut();
  await delay(graceMs / 2);
  const again = await join(server, id);
  again.cut();
  expect(await openFor(server.demo)).toBeGreaterThan(0.9 * graceMs);
});

describe.runIf(process.env['TEST_DATABASE_URL'])('across servers', () => {
  let deployment: TestDeployment;
  let here: Member;
  let there: Member;
  beforeAll(async () => {
    deployment = await startDeployment({ servers: 2, environment });
    [here, there] = deployment.servers as [Member, Member];
  });
  afterAll(async () => deployment?.[Symbol.asyncDispose]());

  const leaveOf = async (globalId: string) => {
    const { id } = decodeGlobalId(globalId);
    const sql = `SELECT "readerSeenAt" = 'epoch' AS left FROM "Run" WHERE id = $1`;
    return (await deployment.database.query<{ left: boolean | null }>(sql, [id]))[0]?.left;
  };

  test('each loss of a reader of another server has one, too', async () => {
    const { stream, id } = await begin(here, 'back elsewhere');
    await deployment.demo.waitForOpenCalls(1);
    const other = await join(there, id);
    stream.cut();
    other.cut();
    await delay(graceMs / 2);
    (await join(there, id)).cut();
    expect(await openFor(deployment.demo)).toBeGreaterThan(0.9 * graceMs);
  });

  test('a reader that left elsewhere does not shorten the grace of one that is lost here', async () => {
    const { stream, id } = await begin(here, 'a viewer that left');
    await deployment.demo.waitForOpenCalls(1);
    const viewer = await join(there, id);
    // Its row must tell that it is read before it can tell that it is not.
    await expect.poll(() => leaveOf(id)).toBe(false);
    stream.cut();
    const openHere = () => here.client.data('{ serverStatus { openStreams } }');
    await expect.poll(openHere).toEqual({ serverStatus: { openStreams: 0 } });
    viewer.stop();
    expect(await openFor(deployment.demo)).toBeGreaterThan(0.8 * graceMs);
  });

  test('that a reader left elsewhere is forgotten while somebody reads here', async () => {
    const { stream, id } = await begin(here, 'still read');
    const viewer = await join(there, id);
    await expect.poll(() => leaveOf(id)).toBe(false);
    viewer.stop();
    await expect.poll(() => leaveOf(id)).toBe(null);
    expect(deployment.demo.openCalls).toBe(1);
    stream.stop();
    await deployment.demo.waitForOpenCalls(0);
  });
});
