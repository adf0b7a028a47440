import { expect, test } from 'vitest';
import { complete } from '../../ledger/support/money-operations.ts';
import { startTestServer, type TestServer } from '../../support/start-test-server.ts';

const open = (scope?: string) =>
  startTestServer(scope ? { environment: { CACHE_SCOPE: scope } } : {});

const askAs = async (server: TestServer, as: string, options: object = {}) =>
  complete(server, 'what is earned', { options, as });

test('an answer serves the user who asked before, and nobody else', async () => {
  await using server = await open();
  const [ada, bob] = [await server.keyFor('ada'), await server.keyFor('bob')];
  server.demo.script({ kind: 'reply', text: 'for ada' }, { kind: 'reply', text: 'for bob' });
  expect(await askAs(server, ada)).toMatchObject({ text: 'for ada', cached: false });
  expect(await askAs(server, bob)).toMatchObject({ text: 'for bob', cached: false });
  expect(await askAs(server, await server.keyFor('ada'))).toMatchObject({
    text: 'for ada',
    cached: true,
  });
  server.demo.script({ kind: 'reply', text: 'new for ada' });
  await askAs(server, ada, { cache: 'REFRESH' });
  expect(await askAs(server, bob)).toMatchObject({ text: 'for bob', cached: true });
});

test('a call in flight is shared within a user only', async () => {
  await using server = await open();
  const [ada, bob] = [await server.keyFor('ada'), await server.keyFor('bob')];
  const release = server.demo.hold();
  const answers = [askAs(server, ada), askAs(server, bob), askAs(server, ada)];
  await server.demo.waitForOpenCalls(2);
  const running = `SELECT id FROM "Run" WHERE status = 'RUNNING'`;
  await expect.poll(() => server.database.query(running)).toHaveLength(3);
  release();
  const [one, two, three] = await Promise.all(answers);
  expect(two?.cached).toBe(false);
  expect([one?.cached, three?.cached].sort()).toEqual([false, true]);
});

test('CACHE_SCOPE=deployment serves everybody from one cache', async () => {
  await using server = await open('deployment');
  await askAs(server, await server.keyFor('ada'));
  expect(await askAs(server, await server.keyFor('bob'))).toMatchObject({
    cached: true,
    cost: '0',
  });
});
