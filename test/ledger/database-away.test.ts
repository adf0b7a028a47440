import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Database } from '../../src/data/database.ts';
import { openTestDatabase } from '../support/test-database.ts';
import { clearLedger, eventually, openLedger, outcome, request } from './support/ledger-fixture.ts';

let database: Database;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database?.close());
beforeEach(() => clearLedger(database));

type Trouble = 'none' | 'refuses' | 'hangs' | 'breaks after the commit';

/** The real database behind a connection that can fail in the ways in which connections do. */
function behindFlakyConnection(): Database & { trouble: Trouble; hanging: (() => void)[] } {
  const flaky = {
    ...database,
    trouble: 'none' as Trouble,
    hanging: [] as (() => void)[],
    async query<Row extends object>(text: string, values?: readonly unknown[]): Promise<Row[]> {
      if (flaky.trouble === 'refuses')
        throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
      if (flaky.trouble === 'hangs')
        await new Promise<void>((resolve) => flaky.hanging.push(resolve));
      const rows = await database.query<Row>(text, values);
      if (flaky.trouble === 'breaks after the commit')
        throw new Error('Connection terminated unexpectedly');
      return rows;
    },
  };
  return flaky;
}

const held = async (): Promise<string> => {
  const [row] = await database.query<{ held: string }>(
    `SELECT coalesce(sum("held"), 0)::float8::text AS "held" FROM "SpendingWindow" WHERE "period" = 'DAILY'`,
  );
  return row!.held;
};

test('a call is refused within five seconds when the database is away, however it is away', async () => {
  const [refusing, hanging] = [behindFlakyConnection(), behindFlakyConnection()];
  refusing.trouble = 'refuses';
  hanging.trouble = 'hangs';
  const started = performance.now();
  const calls = await Promise.allSettled(
    [refusing, hanging].map((away) => openLedger(away).hold(request())),
  );
  const elapsed = performance.now() - started;
  for (const call of calls)
    expect(call).toMatchObject({ reason: { code: 'MODEL_UNAVAILABLE', retryable: true } });
  expect(elapsed).toBeLessThan(5_000);
  // What hung is carried out late: the room it takes is given back.
  hanging.trouble = 'none';
  for (const resume of hanging.hanging) resume();
  await eventually(async () => {
    const [row] = await database.query<{ windows: number }>(
      `SELECT count(*)::int AS "windows" FROM "SpendingWindow"`,
    );
    return row!.windows > 0 && (await held()) === '0';
  });
});

test('a hold outlives a short absence', async () => {
  const flaky = behindFlakyConnection();
  await using ledger = openLedger(flaky);
  flaky.trouble = 'refuses';
  const held = ledger.hold(request());
  setTimeout(() => {
    flaky.trouble = 'none';
  }, 120);
  await expect(held).resolves.toMatchObject({ amount: '0.0005' });
});

test('an answer that got lost leaves no room held and no call counted twice', async () => {
  const flaky = behindFlakyConnection();
  await using ledger = openLedger(flaky);
  flaky.trouble = 'breaks after the commit';
  const lost = ledger.hold(request());
  await eventually(async () => (await held()) !== '0');
  flaky.trouble = 'none';
  const hold = await lost;
  await eventually(async () => (await held()) === '0.0005');
  flaky.trouble = 'breaks after the commit';
  const settling = ledger.settle(hold, outcome({ outputTokens: 10 }));
  await eventually(async () => (await held()) === '0');
  flaky.trouble = 'none';
  expect(await settling).toMatchObject({ id: hold.id, cost: '0.00005' });
  const { edges } = await ledger.usageRecords({});
  expect(edges).toHaveLength(1);
});

test('what can not be written is kept until it can, and closing writes it', async () => {
  const flaky = behindFlakyConnection();
  const ledger = openLedger(flaky);
  const hold = await ledger.hold(request());
  flaky.trouble = 'refuses';
  const settled = ledger.settle(hold, outcome({ outputTokens: 10 }));
  const closed = ledger.close();
  setTimeout(() => {
    flaky.trouble = 'none';
  }, 150);
  await closed;
  await expect(settled).resolves.toMatchObject({ cost: '0.00005' });
  expect(await held()).toBe('0');
});
