import type { Database } from '../../data/database.ts';
import { newId } from '../../data/new-id.ts';
import type { Usd } from '../../kernel/prices.ts';
import { InvalidInputError } from '../invalid-input-error.ts';
import type { BudgetPeriod, BudgetRecord } from '../ledger.ts';
import type { LedgerContext } from '../ledger-context.ts';
import { amount, usd } from '../usd.ts';

interface BudgetRow {
  id: string;
  subject: string;
  period: BudgetPeriod;
  limit: string;
  spent: string;
  held: string;
  resetsAt: Date;
}

type BudgetFilter = { ids: readonly string[] } | { subject: string } | 'all';

/** Twelve digits before and twelve behind the point is what the column takes. */
const limitPattern = /^\d{1,12}(\.\d{1,12})?$/;

export async function setBudget(
  context: LedgerContext,
  input: { subject: string; period: BudgetPeriod; limit: Usd },
): Promise<BudgetRecord> {
  if (input.subject === '') throw new InvalidInputError('A budget needs a user id, or "*".');
  if (!limitPattern.test(input.limit))
    throw new InvalidInputError(
      `A budget's limit is an amount in US dollars such as "5" or "0.25", not "${input.limit}".`,
    );
  const [row] = await context.database.query<{ id: string }>(
    `INSERT INTO "Budget" ("id", "subject", "period", "limit") VALUES ($1, $2, $3, $4)
     ON CONFLICT ("subject", "period") DO UPDATE SET "limit" = excluded."limit", "updatedAt" = now()
     RETURNING "id"`,
    [newId(), input.subject, input.period, input.limit],
  );
  const [budget] = await selectBudgets(context, { ids: [row!.id] });
  return budget!;
}

/** Own budgets before defaults, daily before monthly; a default only where the user has none of its period. */
export async function budgets(
  context: LedgerContext,
  subject: string | null,
): Promise<BudgetRecord[]> {
  return selectBudgets(context, subject === null ? 'all' : { subject });
}

export async function budgetsById(
  context: LedgerContext,
  ids: readonly string[],
): Promise<(BudgetRecord | null)[]> {
  const found = new Map(
    (await selectBudgets(context, { ids })).map((budget) => [budget.id, budget]),
  );
  return ids.map((id) => found.get(id) ?? null);
}

/** A default's own spending is 0: it is each user's window that counts against it. */
async function selectBudgets(
  context: LedgerContext,
  filter: BudgetFilter,
): Promise<BudgetRecord[]> {
  const subject = typeof filter === 'object' && 'subject' in filter ? filter.subject : null;
  const ids = typeof filter === 'object' && 'ids' in filter ? filter.ids : null;
  const rows = await queryBudgets(context.database, [
    context.now(),
    context.timeZone,
    subject,
    ids,
  ]);
  return rows.map((row) => {
    const room = amount(row.limit).minus(row.spent).minus(row.held);
    return {
      ...row,
      limit: usd(row.limit),
      spent: usd(row.spent),
      held: usd(row.held),
      remaining: usd(room.isNegative() ? '0' : room),
    };
  });
}

const queryBudgets = (database: Database, values: readonly unknown[]): Promise<BudgetRow[]> =>
  database.query<BudgetRow>(
    `SELECT b."id", b."subject", b."period", b."limit",
       coalesce(w."spent", 0) AS "spent", coalesce(w."held", 0) AS "held",
       ledger_window_end(b."period", c."at", $2) AS "resetsAt"
     FROM (SELECT coalesce($1::timestamptz, clock_timestamp()) AS "at") c
     CROSS JOIN "Budget" b
     LEFT JOIN "BudgetWindow" w ON w."userId" = coalesce($3::text, nullif(b."subject", '*'))
       AND w."period" = b."period"
       AND w."startsAt" = date_trunc(CASE b."period" WHEN 'DAILY' THEN 'day' ELSE 'month' END, c."at", $2)
     WHERE ($4::uuid[] IS NULL OR b."id" = ANY ($4::uuid[]))
       AND ($3::text IS NULL OR b."subject" = $3 OR (b."subject" = '*' AND NOT EXISTS (
         SELECT 1 FROM "Budget" o WHERE o."subject" = $3 AND o."period" = b."period")))
     ORDER BY b."subject" = '*', b."subject", b."period"`,
    values,
  );
