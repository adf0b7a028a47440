import { Decimal } from 'decimal.js';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../../src/data/database.ts';
import type { BudgetPeriod, BudgetScope } from '../../../src/kernel/budget.ts';
import { isDomainError } from '../../../src/kernel/errors.ts';
import type { BudgetSubject, Ledger } from '../../../src/ledger/ledger.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { clearLedger, openLedger, outcome, request, tag } from '../support/ledger-fixture.ts';
import { ReferenceLedger } from '../support/reference-ledger.ts';

let database: Database;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database?.close());

/** Of one token that "small" or "large" says. */
const prices: Record<string, Decimal> = {
  small: new Decimal('0.000005'),
  large: new Decimal('0.000015'),
};
const key = '01890000-0000-7000-8000-00000000000b';
const outer = '01890000-0000-7000-8000-00000000000e';
const inner = '01890000-0000-7000-8000-00000000000f';
const tokenLimits = { [outer]: 500, [inner]: 150 };

interface Call {
  user: string;
  groups: string[];
  tags: string[];
  key: string | null;
  accessTokens: string[];
  tokens: number;
}

type Step =
  | ({ do: 'hold'; times: number } & Call)
  | { do: 'settle'; pick: number; part: number }
  | { do: 'release'; pick: number }
  | { do: 'budget'; budget: BudgetSubject; period: BudgetPeriod; tokens: number }
  | { do: 'delete'; budget: BudgetSubject; period: BudgetPeriod }
  | { do: 'wait'; hours: number };

const subjects: Record<BudgetScope, string[]> = {
  USER: ['*', 'ada', 'bob'],
  GROUP: ['*', 'sales', 'hr'],
  API_KEY: ['*', key],
  TAG: ['*', 'trial'],
  MODEL: ['*', 'small'],
  EVERYTHING: ['*'],
};
const all = Object.entries(subjects).flatMap(([scope, names]) =>
  names.map((subject) => ({ scope: scope as BudgetScope, subject })),
);
const budget = fc.constantFrom(...all);
const period = fc.constantFrom<BudgetPeriod>('DAILY', 'MONTHLY');
const weighted: [number, fc.Arbitrary<Step>][] = [
  [
    7,
    fc.record({
      do: fc.constant('hold' as const),
      user: fc.constantFrom('ada', 'bob'),
      groups: fc.subarray(['sales', 'hr']),
      tags: fc.subarray(['trial']),
      key: fc.constantFrom(null, key),
      accessTokens: fc.constantFrom<string[]>([], [outer], [outer, inner]),
      tokens: fc.integer({ min: 1, max: 60 }),
      times: fc.oneof(fc.constant(1), fc.integer({ min: 2, max: 12 })),
    }),
  ],
  [
    5,
    fc.record({
      do: fc.constant('settle' as const),
      pick: fc.nat(),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  ],
  [1, fc.record({ do: fc.constant('release' as const), pick: fc.nat() })],
  [
    4,
    fc.record({
      do: fc.constant('budget' as const),
      budget,
      period,
      tokens: fc.integer({ min: 0, max: 400 }),
    }),
  ],
  [1, fc.record({ do: fc.constant('delete' as const), budget, period })],
  [1, fc.record({ do: fc.constant('wait' as const), hours: fc.integer({ min: 1, max: 40 }) })],
];
const step = fc.oneof(...weighted.map(([weight, arbitrary]) => ({ weight, arbitrary })));

async function holdAll(
  ledgers: readonly Ledger[],
  reference: ReferenceLedger,
  { user, groups, tags, key: apiKeyId, accessTokens, tokens, times }: Call & { times: number },
): Promise<void> {
  const call = {
    tag: tag({ userId: user, groups, tags, apiKeyId, accessTokens }),
    model: 'small',
    tokens,
  };
  const room = reference.room(call, tokens);
  const attempts = await Promise.allSettled(
    Array.from({ length: times }, (_, index) =>
      ledgers[index % ledgers.length]!.hold(request({ tag: call.tag, maxTokens: tokens })),
    ),
  );
  const granted = attempts.filter((attempt) => attempt.status === 'fulfilled');
  expect(granted).toHaveLength(Math.min(times, room));
  for (const { value } of granted) reference.held(value, call);
  for (const attempt of attempts)
    if (attempt.status === 'rejected') {
      if (!isDomainError(attempt.reason, 'BUDGET_EXCEEDED')) throw attempt.reason;
      expect(attempt.reason.retryable).toBe(reference.mayFitLater(call, tokens));
    }
}

async function take(
  ledgers: readonly Ledger[],
  reference: ReferenceLedger,
  move: Step,
): Promise<void> {
  const [ledger, other] = ledgers as [Ledger, Ledger];
  if (move.do === 'hold') await holdAll(ledgers, reference, move);
  else if (move.do === 'wait')
    reference.clock = new Date(reference.clock.getTime() + move.hours * 3_600_000);
  else if (move.do === 'budget') {
    const limit = prices['small']!.times(move.tokens).toFixed();
    await other.setBudget({ ...move.budget, period: move.period, limit });
    reference.setLimit({ ...move.budget, period: move.period }, move.tokens);
  } else if (move.do === 'delete') {
    const stored = await other.budgets(null);
    const same = stored.find(
      ({ scope, subject, period: of }) =>
        scope === move.budget.scope && subject === move.budget.subject && of === move.period,
    );
    if (same) await other.deleteBudget(same.id);
    reference.removeLimit({ ...move.budget, period: move.period });
  } else if (reference.open.length > 0) {
    const index = move.pick % reference.open.length;
    if (move.do === 'release') await ledger.release(reference.end(index, 0));
    else {
      const spent = Math.round(reference.open[index]!.tokens * move.part);
      await ledger.settle(reference.end(index, spent), outcome({ outputTokens: spent }));
    }
  }
}

/** Budgets that apply show what was spent and is held, users' windows too, and no cent is in two or in none of them. */
async function expectAgreement(ledger: Ledger, reference: ReferenceLedger): Promise<void> {
  const named = all.filter(({ scope, subject }) => scope === 'EVERYTHING' || subject !== '*');
  const inTokens = (usd: string): number => new Decimal(usd).div(prices['small']!).toNumber();
  for (const subject of named)
    for (const { scope, period: of, spent, held } of await ledger.budgets([subject])) {
      const shown = { ...subject, period: of, spent: inTokens(spent), held: inTokens(held) };
      const expected = reference.spendingOf({ scope, subject: subject.subject, period: of });
      expect(shown).toEqual({ ...subject, period: of, ...expected });
    }
  for (const id of [outer, inner]) {
    const [window = { spent: '0', held: '0' }] = await database.query<{
      spent: string;
      held: string;
    }>(`SELECT spent, held FROM "SpendingWindow" WHERE scope = 'TOKEN' AND subject = $1`, [id]);
    expect({ spent: inTokens(window.spent), held: inTokens(window.held) }).toEqual(
      reference.spendingOf({ scope: 'TOKEN', subject: id, period: 'TOTAL' }),
    );
  }
  const [sums] = await database.query<{ records: string; windows: string; negative: number }>(
    `SELECT (SELECT coalesce(sum("cost"), 0) FROM "UsageRecord")::text AS "records",
       (SELECT coalesce(sum("spent"), 0) FROM "SpendingWindow"
        WHERE "scope" = 'USER' AND "period" = 'DAILY')::text AS "windows",
       (SELECT count(*)::int FROM "SpendingWindow" WHERE "held" < 0) AS "negative"`,
  );
  expect(new Decimal(sums!.records).minus(sums!.windows).toFixed()).toBe('0');
  expect(sums!.negative).toBe(0);
}

async function insertTokens(): Promise<void> {
  await database.query('TRUNCATE "AccessToken"');
  for (const [id, tokens] of Object.entries(tokenLimits))
    await database.query(
      `INSERT INTO "AccessToken" (id, hash, "userId", roles, "maxCost", "createdBy", "expiresAt")
       VALUES ($1::uuid, $1::text, 'ada', '{USER}', $2, 'ada', now())`,
      [id, prices['small']!.times(tokens).toFixed()],
    );
}

test('whatever happens in whatever order, what fits is granted and nothing else, and no cent is lost', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 30 }), async (steps) => {
      await clearLedger(database);
      await insertTokens();
      const reference = new ReferenceLedger();
      for (const [subject, tokens] of Object.entries(tokenLimits))
        reference.setLimit({ scope: 'TOKEN', subject, period: 'TOTAL' }, tokens);
      const now = (): Date => reference.clock;
      await using one = openLedger(database, { now });
      await using other = openLedger(database, { now });
      for (const move of steps) {
        await take([one, other], reference, move);
        await expectAgreement(one, reference);
      }
    }),
    { numRuns: 12 },
  );
});
