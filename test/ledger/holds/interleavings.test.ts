import { Decimal } from 'decimal.js';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../../src/data/database.ts';
import { isDomainError } from '../../../src/kernel/errors.ts';
import type { BudgetPeriod, Hold, Ledger } from '../../../src/ledger/ledger.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { clearLedger, openLedger, outcome, request, tag } from '../support/ledger-fixture.ts';

let database: Database;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database?.close());

/** Output tokens of "small", in millionths of five dollars. */
const price = new Decimal('0.000005');
const periods: readonly BudgetPeriod[] = ['DAILY', 'MONTHLY'];
const users = ['ada', 'bob'] as const;
const envelopeRunId = '01890000-0000-7000-8000-00000000000e';
const envelopeLimit = 500;

type Step =
  | { do: 'hold'; user: string; tokens: number; enveloped: boolean }
  | { do: 'burst'; user: string; tokens: number; times: number }
  | { do: 'settle'; pick: number; part: number }
  | { do: 'release'; pick: number }
  | { do: 'budget'; subject: string; period: BudgetPeriod; tokens: number }
  | { do: 'wait'; hours: number };

const tokens = fc.integer({ min: 1, max: 60 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('hold' as const),
      user: fc.constantFrom(...users),
      tokens,
      enveloped: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('burst' as const),
      user: fc.constantFrom(...users),
      tokens,
      times: fc.integer({ min: 2, max: 12 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      pick: fc.nat(),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const), pick: fc.nat() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('budget' as const),
      subject: fc.constantFrom('*', ...users),
      period: fc.constantFrom(...periods),
      tokens: fc.integer({ min: 0, max: 300 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      hours: fc.integer({ min: 1, max: 40 }),
    }),
  },
);

/** What the ledger should know, kept in whole tokens by the simplest means. */
class Reference {
  clock = new Date('2026-01-29T20:00:00.000Z');
  readonly budgets = new Map<string, number>();
  readonly windows = new Map<string, { spent: number; held: number }>();
  readonly open: { hold: Hold; tokens: number; keys: string[] }[] = [];

  keysOf(user: string, enveloped: boolean): string[] {
    const day = this.clock.toISOString().slice(0, 10);
    const keys = [`${user} DAILY ${day}`, `${user} MONTHLY ${day.slice(0, 7)}`];
    return enveloped ? [...keys, 'run RUN'] : keys;
  }

  windowOf(key: string): { spent: number; held: number } {
    const window = this.windows.get(key) ?? { spent: 0, held: 0 };
    this.windows.set(key, window);
    return window;
  }

  limitOf(key: string): number {
    const [user, period] = key.split(' ');
    if (period === 'RUN') return envelopeLimit;
    const limit = this.budgets.get(`${user} ${period}`) ?? this.budgets.get(`* ${period}`);
    return limit ?? Number.POSITIVE_INFINITY;
  }

  /** How many calls of this size still fit. */
  room(keys: readonly string[], size: number): number {
    const services = keys.map((key) => {
      const { spent, held } = this.windowOf(key);
      return Math.floor((this.limitOf(key) - spent - held) / size);
    });
    return Math.max(0, Math.min(...services));
  }

  held(hold: Hold, size: number, keys: string[]): void {
    for (const key of keys) this.windowOf(key).held += size;
    this.open.push({ hold, tokens: size, keys });
  }

  end(index: number, spent: number): Hold {
    const [{ hold, tokens: size, keys }] = this.open.splice(index, 1) as [
      (typeof this.open)[number],
    ];
    for (const key of keys) {
      this.windowOf(key).held -= size;
      this.windowOf(key).spent += spent;
    }
    return hold;
  }
}

async function holdAll(
  ledgers: readonly Ledger[],
  reference: Reference,
  call: { user: string; tokens: number; enveloped: boolean; times: number },
): Promise<void> {
  const keys = reference.keysOf(call.user, call.enveloped);
  const room = reference.room(keys, call.tokens);
  const attempts = await Promise.allSettled(
    Array.from({ length: call.times }, (_, index) =>
      ledgers[index % ledgers.length]!.hold(
        request({
          tag: tag({ userId: call.user }),
          maxTokens: call.tokens,
          envelope: call.enveloped
            ? { runId: envelopeRunId, limit: price.times(envelopeLimit).toFixed() }
            : null,
        }),
      ),
    ),
  );
  const granted = attempts.filter((attempt) => attempt.status === 'fulfilled');
  expect(granted).toHaveLength(Math.min(call.times, room));
  for (const { value } of granted) reference.held(value, call.tokens, keys);
  const helps = keys.every(
    (key) => reference.windowOf(key).spent + call.tokens <= reference.limitOf(key),
  );
  for (const attempt of attempts)
    if (attempt.status === 'rejected') {
      if (!isDomainError(attempt.reason, 'BUDGET_EXCEEDED')) throw attempt.reason;
      expect(attempt.reason.retryable).toBe(helps);
    }
}

async function take(ledgers: readonly Ledger[], reference: Reference, move: Step): Promise<void> {
  const ledger = ledgers[0]!;
  if (move.do === 'hold') await holdAll(ledgers, reference, { ...move, times: 1 });
  else if (move.do === 'burst') await holdAll(ledgers, reference, { ...move, enveloped: false });
  else if (move.do === 'wait')
    reference.clock = new Date(reference.clock.getTime() + move.hours * 3_600_000);
  else if (move.do === 'budget') {
    reference.budgets.set(`${move.subject} ${move.period}`, move.tokens);
    const limit = price.times(move.tokens).toFixed();
    await ledgers[1]!.setBudget({ subject: move.subject, period: move.period, limit });
  } else if (reference.open.length > 0) {
    const index = move.pick % reference.open.length;
    if (move.do === 'release') await ledger.release(reference.end(index, 0));
    else {
      const spent = Math.round(reference.open[index]!.tokens * move.part);
      await ledger.settle(reference.end(index, spent), outcome({ outputTokens: spent }));
    }
  }
}

async function expectAgreement(reference: Reference): Promise<void> {
  const rows = await database.query<{ key: string; spent: string; held: string }>(
    `SELECT CASE "period" WHEN 'RUN' THEN 'run RUN'
       ELSE "userId" || ' ' || "period" || ' ' ||
         to_char("startsAt" AT TIME ZONE 'UTC', CASE "period" WHEN 'DAILY' THEN 'YYYY-MM-DD' ELSE 'YYYY-MM' END)
       END AS "key", "spent", "held" FROM "BudgetWindow"`,
  );
  const stored = new Map(
    rows.map(({ key, spent, held }) => [
      key,
      {
        spent: new Decimal(spent).div(price).toNumber(),
        held: new Decimal(held).div(price).toNumber(),
      },
    ]),
  );
  for (const [key, window] of reference.windows)
    expect([key, stored.get(key) ?? { spent: 0, held: 0 }]).toEqual([key, window]);
  const [sums] = await database.query<{ records: string; windows: string }>(
    `SELECT (SELECT coalesce(sum("cost"), 0) FROM "UsageRecord")::text AS "records",
       (SELECT coalesce(sum("spent"), 0) FROM "BudgetWindow" WHERE "period" = 'DAILY')::text AS "windows"`,
  );
  expect(new Decimal(sums!.records).minus(sums!.windows).toFixed()).toBe('0');
}

test('whatever happens in whatever order, what fits is granted and nothing else, and no cent is lost', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 30 }), async (steps) => {
      await clearLedger(database);
      const reference = new Reference();
      const now = (): Date => reference.clock;
      await using one = openLedger(database, { now });
      await using other = openLedger(database, { now });
      for (const move of steps) {
        await take([one, other], reference, move);
        await expectAgreement(reference);
      }
    }),
    { numRuns: 12 },
  );
});
