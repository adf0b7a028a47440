import { expect, test } from 'vitest';
import { complete } from '../../ledger/support/money-operations.ts';
import { startTestServer } from '../../support/start-test-server.ts';

const QUEUED = '{ serverStatus { providers { queued } } }';

interface Status {
  serverStatus: { providers: { queued: number }[] };
}

test('users take turns where a provider has few places', async () => {
  await using server = await startTestServer({ environment: { MODEL_CONCURRENCY: '1' } });
  const [ada, bob, cleo] = await Promise.all(
    ['ada', 'bob', 'cleo'].map((user) => server.keyFor(user)),
  );
  const queued = async () => {
    const { serverStatus } = await server.data<Status>(QUEUED);
    return serverStatus.providers.reduce((sum, provider) => sum + provider.queued, 0);
  };
  const release = server.demo.hold();
  const asked: Promise<unknown>[] = [];
  const ask = async (text: string, as: string | undefined, waiting: number) => {
    asked.push(complete(server, text, as === undefined ? {} : { as }));
    await (waiting === 0 ? server.demo.waitForOpenCalls(1) : expect.poll(queued).toBe(waiting));
  };
  for (const [at, text] of ['a0', 'a1', 'a2', 'a3'].entries()) await ask(text, ada, at);
  await ask('b0', bob, 4);
  await ask('b1', bob, 5);
  await ask('c0', cleo, 6);
  release();
  await Promise.all(asked);
  const order = server.demo.requests.map(
    ({ body }) => /"text":"([abc]\d)"/.exec(JSON.stringify(body))?.[1],
  );
  expect(order).toEqual(['a0', 'a1', 'b0', 'c0', 'a2', 'b1', 'a3']);
});
