import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  complete,
  completeNamed,
  inputOf,
  type Outcome,
  STREAM,
  type StreamEvent,
} from '../../ledger/support/money-operations.ts';
import { type MoneyServer, startMoneyServer } from '../../ledger/support/start-money-server.ts';
import { openTestDatabase } from '../../support/test-database.ts';

let server: MoneyServer;
beforeAll(async () => {
  server = await startMoneyServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const ask = (text: string, options: object = {}): Promise<Outcome> =>
  complete(server, text, { options });

/** How many of these calls reached the model, their books compared. */
async function called(work: () => Promise<unknown>): Promise<number> {
  const before = server.demo.requests.length;
  await work();
  await server.referee();
  return server.demo.requests.length - before;
}

test('DEFAULT answers from the cache, BYPASS leaves it alone, REFRESH puts a new answer into it', async () => {
  const text = 'what is kept';
  server.demo.script({ kind: 'reply', text: 'first' });
  expect(await called(() => ask(text))).toBe(1);
  server.demo.script({ kind: 'reply', text: 'aside' });
  expect((await ask(text, { cache: 'BYPASS' })).text).toBe('aside');
  expect(await ask(text)).toMatchObject({ text: 'first', cached: true, cost: '0' });
  server.demo.script({ kind: 'reply', text: 'second' });
  expect((await ask(text, { cache: 'REFRESH' })).text).toBe('second');
  expect(await ask(text)).toMatchObject({ text: 'second', cached: true });
  await server.referee();
});

test('a hit streams the whole text, and says that nothing was used', async () => {
  await ask('streamed twice [demo:words 20]');
  const stream = server.subscribe<StreamEvent>(STREAM, inputOf('streamed twice [demo:words 20]'));
  const events = await stream.rest();
  const whole = events.map(({ text }) => text ?? '').join('');
  expect(whole.split(' ')).toHaveLength(20);
  expect(events.at(-1)?.run).toMatchObject({ cost: '0', usage: { outputTokens: 0 } });
  await server.referee();
});

test('everything that changes the answer is part of the key', async () => {
  const text = 'the same question';
  await ask(text);
  for (const asked of [{ system: 'Be brief.' }, { maxTokens: 77 }, { model: 'claude-haiku-5-5' }]) {
    expect(await complete(server, text, asked)).toMatchObject({ cached: false });
    expect(await complete(server, text, asked)).toMatchObject({ cached: true });
  }
  await server.referee();
});

test('a prompt can switch the cache off', async () => {
  const twice = async (name: string): Promise<void> => {
    await completeNamed(server, name, 'anew each time');
    await completeNamed(server, name, 'anew each time');
  };
  expect(await called(() => twice('uncached'))).toBe(2);
  expect(await called(() => twice('judge'))).toBe(1);
});

test.each([
  ['failed', '[demo:fault cut after=3] [demo:words 20]', {}],
  ['truncated', '[demo:words 50]', { maxTokens: 5 }],
  ['refused', '[demo:fault refusal after=3] [demo:words 20]', {}],
])('a %s answer is never cached', async (what, text, asked) => {
  const twice = async (): Promise<void> => {
    for (let time = 0; time < 2; time += 1) {
      const answer = await complete(server, `${text} ${what}`, asked);
      expect(answer.cached ?? false).toBe(false);
    }
  };
  expect(await called(twice)).toBe(2);
});

test('a degraded answer is never cached, whoever gave it', async () => {
  for (const options of [{ fallbackModels: ['claude-haiku-5-5'] }, { fallbackText: 'Later.' }]) {
    const text = `degraded by ${Object.keys(options)[0]}`;
    server.demo.script({ kind: 'status', status: 529, times: 3 });
    expect((await ask(text, options)).degraded).toBe(true);
    expect(await called(() => ask(text, options))).toBe(1);
    expect(await ask(text, options)).toMatchObject({ degraded: false, cached: true });
  }
});

test('who leaves a shared call does not cancel the others; the last one leaving does', async () => {
  const text = '[demo:gate 3] [demo:words 30] shared';
  const one = server.subscribe<StreamEvent>(STREAM, inputOf(text));
  await one.take();
  await server.demo.waitForGatedCalls(1);
  const two = server.subscribe<StreamEvent>(STREAM, inputOf(text));
  await two.take();
  await two.take();
  one.stop();
  server.demo.release();
  expect((await two.rest()).at(-1)?.run?.status).toBe('SUCCEEDED');
  const { billed } = await server.referee();
  expect(billed).toHaveLength(1);

  const alone = server.subscribe<StreamEvent>(STREAM, inputOf(`${text} again`));
  await alone.take();
  await server.demo.waitForGatedCalls(1);
  alone.stop();
  await server.demo.waitForOpenCalls(0, 1_000);
  expect((await server.referee()).records[0]).toMatchObject({ status: 'cancelled' });
});

test('a slow look-up misses neither the call in flight nor the answer it stored', async () => {
  const database = await openTestDatabase();
  const slow = Promise.withResolvers<void>();
  let reads = 0;
  const query: typeof database.query = async (text, values) => {
    const rows = await database.query(text, values);
    if (text.includes('FROM "CachedResponse" WHERE key') && ++reads > 1) await slow.promise;
    return rows as never;
  };
  await using other = await startMoneyServer({ database: { ...database, query } });
  const letGo = other.demo.hold();
  const first = complete(other, 'asked twice');
  await other.demo.waitForOpenCalls(1);
  const second = complete(other, 'asked twice');
  const running = `SELECT id FROM "Run" WHERE status = 'RUNNING'`;
  await expect.poll(() => database.query(running)).toHaveLength(2);
  letGo();
  await first;
  slow.resolve();
  expect(await second).toMatchObject({ cached: true, cost: '0' });
  expect((await other.referee()).billed).toHaveLength(1);
});

test('what repeats is cached at the provider, and seen in the usage', async () => {
  const system = 'Rules of the house, which are long. '.repeat(400);
  const usages = [];
  for (const text of ['one question', 'another question']) {
    const { usage } = await complete(server, text, { system });
    usages.push(usage as unknown as { cacheReadTokens: number; cacheWriteTokens: number });
  }
  const [first, second] = usages;
  expect(first!.cacheWriteTokens).toBeGreaterThan(1_000);
  expect(second!.cacheReadTokens).toBe(first!.cacheWriteTokens);
  await server.referee();
});

test("answers of one place are never served as another's", async () => {
  const database = await openTestDatabase();
  const lasting = { ...database, close: async () => undefined };
  const asked = async (environment: Record<string, string>): Promise<boolean> => {
    await using other = await startMoneyServer({ database: lasting, environment });
    return (await complete(other, 'who is it?')).cached;
  };
  const keyless = { ANTHROPIC_API_KEY: '' };
  // Each server has a demo model of its own; the keyless ones' is always the same to them.
  expect([await asked(keyless), await asked(keyless)]).toEqual([false, true]);
  expect([await asked({}), await asked({})]).toEqual([false, false]);
  await database.close();
});
