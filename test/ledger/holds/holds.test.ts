import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Database } from '../../../src/data/database.ts';
import { newId } from '../../../src/data/new-id.ts';
import { type DomainError, isDomainError } from '../../../src/kernel/errors.ts';
import type { Hold } from '../../../src/ledger/ledger.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { clearLedger, openLedger, outcome, request, tag } from '../support/ledger-fixture.ts';

const noon = new Date('2026-03-14T12:00:00.000Z');

describe('holds', () => {
  let database: Database;
  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(async () => {
    await database?.close();
  });
  beforeEach(() => clearLedger(database));

  const windows = (userId: string | null = null) =>
    database.query<{ subject: string; period: string; spent: string; held: string }>(
      `SELECT "subject", "period", trim_scale("spent")::text AS "spent", trim_scale("held")::text AS "held"
       FROM "SpendingWindow" WHERE $1::text IS NULL OR "subject" = $1 ORDER BY "subject", "period"`,
      [userId],
    );
  const refusalOf = async (attempt: Promise<Hold>): Promise<DomainError<'BUDGET_EXCEEDED'>> => {
    const error = await attempt.then(
      () => null,
      (reason: unknown) => reason,
    );
    if (!isDomainError(error, 'BUDGET_EXCEEDED')) throw error ?? new Error('It was granted.');
    return error;
  };

  test.each([50, 200])(
    'room for 20 and %i calls at once over ten servers: exactly 20 pass, and none overshoots',
    async (calls) => {
      const servers = Array.from({ length: 10 }, () => openLedger(database));
      // 20 calls of $0.0005; the month has more room, the day decides.
      await servers[0]!.setBudget({ subject: '*', period: 'DAILY', limit: '0.01' });
      await servers[0]!.setBudget({ subject: '*', period: 'MONTHLY', limit: '5' });
      for (const userId of ['ada', 'bob', 'cleo']) {
        const call = request({ tag: tag({ userId }) });
        // Making a window is a lock in itself: the race is for one that is there.
        await servers[0]!.release(await servers[0]!.hold(call));
        const attempts = await Promise.allSettled(
          Array.from({ length: calls }, (_, index) => servers[index % 10]!.hold(call)),
        );
        const granted = attempts.filter((attempt) => attempt.status === 'fulfilled');
        expect(granted).toHaveLength(20);
        expect(await windows(userId)).toMatchObject([
          { period: 'DAILY', spent: '0', held: '0.01' },
          { period: 'MONTHLY', spent: '0', held: '0.01' },
        ]);
        for (const attempt of attempts)
          if (attempt.status === 'rejected')
            expect(attempt.reason).toMatchObject({ code: 'BUDGET_EXCEEDED', retryable: true });
        await Promise.all(
          granted.map(({ value }, index) =>
            servers[index % 10]!.settle(value, outcome({ outputTokens: 100 })),
          ),
        );
        expect(await windows(userId)).toMatchObject([
          { spent: '0.01', held: '0' },
          { spent: '0.01', held: '0' },
        ]);
      }
      await Promise.all(servers.map((server) => server.close()));
    },
  );

  test('both periods bind, and a refusal takes room from neither', async () => {
    await using ledger = openLedger(database);
    await ledger.setBudget({ subject: 'ada', period: 'DAILY', limit: '1' });
    await ledger.setBudget({ subject: 'ada', period: 'MONTHLY', limit: '0.0007' });
    await ledger.hold(request());
    const refusal = await refusalOf(ledger.hold(request()));
    expect(refusal.details.budget).toMatchObject({ subject: 'ada', period: 'MONTHLY' });
    expect(await windows()).toMatchObject([{ held: '0.0005' }, { held: '0.0005' }]);
  });

  test("a user's own budget stands in place of the default, and only of its period", async () => {
    await using ledger = openLedger(database);
    await ledger.setBudget({ subject: '*', period: 'DAILY', limit: '0.0001' });
    await ledger.setBudget({ subject: 'ada', period: 'DAILY', limit: '1' });
    await expect(ledger.hold(request())).resolves.toMatchObject({ amount: '0.0005' });
    await refusalOf(ledger.hold(request({ tag: tag({ userId: 'bob' }) })));
    await ledger.setBudget({ subject: '*', period: 'MONTHLY', limit: '0.0001' });
    const refusal = await refusalOf(ledger.hold(request()));
    expect(refusal.details.budget).toMatchObject({ subject: '*', period: 'MONTHLY' });
  });

  test('a refusal tells what is left, what was asked, what others hold and when it resets', async () => {
    await using ledger = openLedger(database, { now: () => noon });
    const budget = await ledger.setBudget({ subject: 'ada', period: 'DAILY', limit: '5' });
    const spent = await ledger.hold(request({ maxTokens: 1_000_000 }));
    await ledger.settle(spent, outcome({ outputTokens: 997_600 }));
    await ledger.hold(request({ maxTokens: 2_000 }));
    const refusal = await refusalOf(
      ledger.hold(request({ maxTokens: 400, estimatedInputTokens: 7 })),
    );
    expect(refusal.toJSON()).toEqual({
      code: 'BUDGET_EXCEEDED',
      message:
        'The daily budget has no room for this call: $0.0020 left of $5 today, this call could cost up to $0.0021; $0.0100 is held by calls in flight, try again when they have ended; resets at 2026-03-15T00:00:00.000Z.',
      retryable: true,
      details: {
        budget: {
          id: budget.id,
          scope: 'USER',
          subject: 'ada',
          period: 'DAILY',
          limit: '5',
          spent: '4.988',
          held: '0.01',
          resetsAt: '2026-03-15T00:00:00.000Z',
        },
        remaining: '0.002',
        estimated: '0.002014',
        heldByOthers: '0.01',
      },
    });
    const final = await refusalOf(ledger.hold(request({ maxTokens: 2_401 })));
    expect(final.retryable).toBe(false);
    expect(final.message).toContain('ask for fewer tokens');
  });

  test('where several have no room, the one that waiting does not help is told', async () => {
    await using ledger = openLedger(database);
    await ledger.setBudget({ subject: 'ada', period: 'DAILY', limit: '0.0006' });
    await ledger.setBudget({ subject: 'ada', period: 'MONTHLY', limit: '0.0009' });
    const hold = await ledger.hold(request());
    await ledger.settle(hold, outcome({ outputTokens: 90 }));
    await ledger.setBudget({ subject: 'ada', period: 'DAILY', limit: '0.0009' });
    await ledger.hold(request({ maxTokens: 80 }));
    await ledger.setBudget({ subject: 'ada', period: 'MONTHLY', limit: '0.0005' });
    const refusal = await refusalOf(ledger.hold(request({ maxTokens: 40 })));
    expect(refusal).toMatchObject({
      retryable: false,
      details: { budget: { period: 'MONTHLY' }, remaining: '0' },
    });
  });

  test('one envelope bounds all calls that name it, with no budget at all', async () => {
    await using ledger = openLedger(database);
    const runId = newId();
    const envelope = { runId, limit: '0.0012' };
    const own = await ledger.hold(request({ tag: tag({ runId }), envelope }));
    await ledger.hold(request({ envelope }));
    const refusal = await refusalOf(ledger.hold(request({ envelope })));
    expect(refusal).toMatchObject({
      retryable: true,
      details: { budget: { id: `run:${runId}`, subject: `run:${runId}` }, remaining: '0.0002' },
    });
    expect(refusal.message).toContain('maxCost of the run');
    await ledger.settle(own, outcome({ outputTokens: 20 }));
    await expect(ledger.hold(request({ envelope }))).resolves.toBeDefined();
    expect(await windows()).toContainEqual({
      subject: runId,
      period: 'TOTAL',
      spent: '0.0001',
      held: '0.001',
    });
  });

  test('an unknown price is refused under a budget or an envelope, unless allowed', async () => {
    await using ledger = openLedger(database);
    await using lenient = openLedger(database, { allowUnknownPrice: true });
    const call = request({ model: 'mystery' });
    await expect(ledger.hold(call)).resolves.toMatchObject({ amount: null });
    const envelope = { runId: newId(), limit: '1' };
    expect((await refusalOf(ledger.hold({ ...call, envelope }))).message).toMatch(
      /price of mystery/,
    );
    await ledger.setBudget({ subject: '*', period: 'DAILY', limit: '1' });
    const refusal = await refusalOf(ledger.hold(call));
    expect(refusal).toMatchObject({
      retryable: false,
      message: expect.stringMatching(/not known/),
    });
    const hold = await lenient.hold(call);
    const record = await lenient.settle(hold, outcome({ outputTokens: 9 }, { model: 'mystery' }));
    expect(record.cost).toBeNull();
  });

  test('a released hold gives its room back, once', async () => {
    await using ledger = openLedger(database);
    await ledger.setBudget({ subject: 'ada', period: 'DAILY', limit: '0.0005' });
    const hold = await ledger.hold(request());
    await Promise.all([ledger.release(hold), ledger.release(hold)]);
    await ledger.release(hold);
    expect(await windows()).toMatchObject([{ held: '0' }, { held: '0' }]);
    await expect(ledger.hold(request())).resolves.toBeDefined();
  });

  test('a changed limit applies to the next call', async () => {
    await using ledger = openLedger(database);
    await using other = openLedger(database);
    await ledger.setBudget({ subject: '*', period: 'DAILY', limit: '0.0001' });
    await refusalOf(other.hold(request()));
    await ledger.setBudget({ subject: '*', period: 'DAILY', limit: '0.0005' });
    await expect(other.hold(request())).resolves.toBeDefined();
    await ledger.setBudget({ subject: '*', period: 'DAILY', limit: '0' });
    const { message } = await refusalOf(other.hold(request({ maxTokens: 1 })));
    expect(message).toContain('wait for the reset or have the limit raised');
  });

  test('what the database refuses to store fails alone, whoever else holds in the same statement', async () => {
    await using ledger = openLedger(database);
    const [poisoned, ...others] = await Promise.allSettled([
      ledger.hold(request({ model: 'a\0b' })),
      ledger.hold(request({ tag: tag({ userId: 'bob' }) })),
      ledger.hold(request({ tag: tag({ userId: 'cleo' }) })),
    ]);
    expect(poisoned.status).toBe('rejected');
    expect(others.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
  });

  test('an embedding call holds the price of its tokens', async () => {
    await using ledger = openLedger(database);
    const hold = await ledger.hold(
      request({ model: 'voyage', embedding: true, estimatedInputTokens: 1_000, maxTokens: 0 }),
    );
    expect(hold.amount).toBe('0.00002');
    const record = await ledger.settle(hold, outcome({ inputTokens: 900 }, { model: 'voyage' }));
    expect(record).toMatchObject({ cost: '0.000018', inputTokens: 900, outputTokens: 0 });
  });
});
