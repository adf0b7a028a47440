import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Member, startDeployment, type TestDeployment } from './support/deployment.ts';
import {
  AGENT,
  asking,
  CANCEL,
  COMPLETE,
  EVENTS,
  type StreamEvent,
  textOf,
} from './support/run-operations.ts';
import { beginStreams, expectAllWell, expectServing } from './support/streams-in-flight.ts';

describe.runIf(process.env['TEST_DATABASE_URL'])('a database that goes away and comes back', () => {
  let deployment: TestDeployment;
  let servers: Member[];
  beforeAll(async () => {
    const config = fileURLToPath(new URL('support/approval.config.ts', import.meta.url));
    deployment = await startDeployment({
      servers: 2,
      throughProxy: true,
      environment: { SERVER_LEASE_MS: '2000', TESSERA_CONFIG: config },
    });
    servers = deployment.servers;
  });
  afterEach(() => deployment.proxy!.comeBack());
  afterAll(async () => deployment?.[Symbol.asyncDispose]());

  /** An agent that waits for an approval, with a subscriber. */
  const beginWaiting = async () => {
    const message = '[demo:tool refund {"amount":5}] Refund me.';
    const input = { agent: 'cashier', message, options: { onDisconnect: 'CONTINUE' } };
    const stream = servers[0]!.client.subscribe<StreamEvent>(AGENT, { input });
    for (;;) {
      const { __typename, runId: id } = await stream.take();
      if (__typename === 'ApprovalRequested') return { stream, id };
    }
  };

  const expectRefused = async ({ client }: Member) => {
    const start = performance.now();
    const answer = await client.execute(COMPLETE, asking('meanwhile'));
    expect(performance.now() - start).toBeLessThan(5_000);
    expect(answer.errors?.[0]?.extensions?.['code'] ?? answer.data).toMatchObject(
      answer.errors
        ? expect.stringMatching(/RUN_INTERRUPTED|INTERNAL_SERVER_ERROR/)
        : {
            complete: { retryable: true },
          },
    );
  };

  test('stopped: requests are refused, streams end well afterwards, nobody is taken for dead', async () => {
    const began = await beginStreams(deployment, '[demo:gate 3] [demo:words 20] stop');
    await expect.poll(() => deployment.demo.gatedCalls).toBe(10);
    const elsewhere = began.map(({ head }, index) =>
      servers[index < 5 ? 1 : 0]!.client.subscribe<StreamEvent>(
        EVENTS,
        { id: head[0]!.runId },
        index % 2 ? 'ws' : 'sse',
      ).rest(),
    );
    const waiting = await beginWaiting();
    await deployment.proxy!.goDown();
    deployment.demo.release();
    await Promise.all(servers.map(expectRefused));
    // Longer than a lease.
    await delay(3_000);
    await Promise.all(servers.map(expectRefused));
    await deployment.proxy!.comeBack();
    await expectServing(deployment);
    for (const events of await Promise.all(elsewhere)) {
      expect(textOf(events)).toBe(events.at(-1)?.run?.text);
    }
    await servers[1]!.client.data(CANCEL, { id: waiting.id });
    expect((await waiting.stream.rest()).at(-1)?.error?.code).toBe('RUN_CANCELLED');
    await expectAllWell(deployment, began);
  });

  test('vanished without a word: the same', async () => {
    const began = await beginStreams(deployment, '[demo:gate 3] [demo:words 20] vanish');
    await expect.poll(() => deployment.demo.gatedCalls).toBe(10);
    deployment.proxy!.freeze();
    deployment.demo.release();
    await Promise.all(servers.map(expectRefused));
    await delay(3_000);
    await deployment.proxy!.goDown();
    await deployment.proxy!.comeBack();
    await expectServing(deployment);
    await expectAllWell(deployment, began);
  });
});
