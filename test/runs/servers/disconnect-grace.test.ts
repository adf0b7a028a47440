import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeGlobalId } from '../../../src/schema/global-id.ts';
import { startTestServer } from '../../support/start-test-server.ts';
import { type Member, startDeployment, type TestDeployment } from './support/deployment.ts';
import { asking, COMPLETION, EVENTS, type StreamEvent } from './support/run-operations.ts';
import { clientOf } from './support/server-client.ts';

const graceMs = 4_000;
const environment = { DISCONNECT_GRACE_MS: String(graceMs) };

const begin = async (
  { client }: Pick<Member, 'client'>,
  name: string,
  model = '[demo:fault stall afterDeltas=2]',
) => {
  const prompt = asking(`${model} ${name}`);
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

  const nobodyReadsHere = () =>
    expect
      .poll(() => here.client.data('{ serverStatus { openStreams } }'))
      .toEqual({ serverStatus: { openStreams: 0 } });

  /** The last reader here unsubscribes while somebody reads through the other server. */
  const unsubscribeHere = async (name: string, options: { model?: string; through?: Member }) => {
    const { stream, id } = await begin(here, name, options.model);
    const viewer = await join(options.through ?? there, id);
    await expect.poll(() => leaveOf(id)).toBe(false);
    stream.stop();
    await nobodyReadsHere();
    return viewer;
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
    await nobodyReadsHere();
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

  test('an unsubscribe here leaves a run alone that somebody reads elsewhere', async () => {
    const viewer = await unsubscribeHere('read elsewhere', { model: '[demo:gate 3]' });
    deployment.demo.release();
    expect((await viewer.rest()).at(-1)?.run?.status).toBe('SUCCEEDED');
  });

  test('such a run ends within two seconds of the unsubscribe elsewhere', async () => {
    const viewer = await unsubscribeHere('unsubscribed elsewhere', {});
    viewer.stop();
    expect(await openFor(deployment.demo)).toBeLessThan(2_000);
  });

  test('such a run ends a grace after the server that it was read through has died', async () => {
    const mortal = await deployment.start();
    await unsubscribeHere('died elsewhere', { through: mortal });
    mortal.signal('SIGKILL');
    expect(await openFor(deployment.demo)).toBeGreaterThan(0.7 * graceMs);
  });

  test('without another reader an unsubscribe ends the run at once', async () => {
    const { stream } = await begin(here, 'nobody else');
    await deployment.demo.waitForOpenCalls(1);
    stream.stop();
    expect(await openFor(deployment.demo)).toBeLessThan(500);
  });
});
