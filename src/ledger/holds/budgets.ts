import type { Queryable } from '../../data/database.ts';
import { newId } from '../../data/new-id.ts';
import type { BudgetPeriod, BudgetScope } from '../../kernel/budget.ts';
import { InvalidInputError } from '../invalid-input-error.ts';
import type { BudgetInput, BudgetRecord, BudgetSubject } from '../ledger.ts';
import type { LedgerContext } from '../ledger-context.ts';
import { amount, usd } from '../usd.ts';

interface BudgetRow {
  id: string;
  scope: BudgetScope;
  subject: string;
  period: BudgetPeriod;
  limit: string;
  spent: string;
  held: string;
  resetsAt: Date;
}

/** Twelve digits before and twelve behind the point is what the column takes. */
const limitPattern = /^\d{1,12}(\.\d{1,12})?$/;

export async function setBudget(
  context: LedgerContext,
  { scope, ...input }: BudgetInput,
): Promise<BudgetRecord> {
  const budget = { ...input, scope: scope ?? 'USER' };
  assertBudget(budget);
  const id = await context.database.transaction((transaction) =>
    storeBudget(transaction, context, budget),
  );
  const [stored] = await selectBudgets(context, { ids: [id] });
  return stored!;
}

function assertBudget({ scope, subject, limit }: BudgetInput & { scope: BudgetScope }): void {
  if (subject === '')
    throw new InvalidInputError('A budget needs a subject: a name of its scope, or "*".');
  if (scope === 'EVERYTHING' && subject !== '*')
    throw new InvalidInputError('The subject of a budget of the scope EVERYTHING is "*".');
  if (!limitPattern.test(limit))
    throw new InvalidInputError(
      `A budget's limit is an amount in US dollars such as "5" or "0.25", not "${limit}".`,
    );
}

async function storeBudget(
  transaction: Queryable,
  { now, timeZone }: LedgerContext,
  { scope, subject, period, limit }: BudgetInput & { scope: BudgetScope },
): Promise<string> {
  // No call is held or settled meanwhile: before, none is counted here, and after, all are.
  await transaction.query('LOCK TABLE "Budget" IN EXCLUSIVE MODE');
  const [row] = await transaction.query<{ id: string; isNew: boolean }>(
    `INSERT INTO "Budget" ("id", "scope", "subject", "period", "limit") VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT ("scope", "subject", "period") DO UPDATE SET "limit" = excluded."limit", "updatedAt" = now()
     RETURNING "id", xmax = 0 AS "isNew"`,
    [newId(), scope, subject, period, limit],
  );
  // Users have their windows without a budget too.
  if (row!.isNew && scope !== 'USER')
    await countSpending(transaction, [scope, subject, period, now(), timeZone]);
  return row!.id;
}

/** Makes the windows of a new budget, with what was spent since they began and what is held for calls in flight. */
async function countSpending(transaction: Queryable, values: readonly unknown[]): Promise<void> {
  const [scope, subject, period] = values;
  await transaction.query(
    `DELETE FROM "SpendingWindow"
     WHERE "scope" = $1 AND "period" = $3 AND ($2::text = '*' OR "subject" = $2)`,
    [scope, subject, period],
  );
  await transaction.query(
    `INSERT INTO "SpendingWindow" ("scope", "subject", "period", "startsAt", "spent", "held")
     SELECT $1, k."subject", $3, k."startsAt", sum(k."spent"), sum(k."held") FROM (
       SELECT s."subject", c."startsAt", u."cost" AS "spent", 0 AS "held"
       FROM (SELECT date_trunc(CASE $3::text WHEN 'DAILY' THEN 'day' ELSE 'month' END,
           coalesce($4::timestamptz, clock_timestamp()), $5::text) AS "startsAt") c
       JOIN "UsageRecord" u ON u."createdAt" >= c."startsAt" AND u."cost" <> 0
       CROSS JOIN LATERAL unnest(ledger_subjects($1::text, u)) s("subject")
       UNION ALL
       SELECT d."subject", CASE $3::text WHEN 'DAILY' THEN h."dayStart" ELSE h."monthStart" END, 0, d."amount"
       FROM "Hold" h CROSS JOIN LATERAL unnest(h."scopes", h."subjects", h."amounts") d("scope", "subject", "amount")
       WHERE d."scope" = $1::text
     ) k WHERE $2::text IN (k."subject", '*') GROUP BY 2, 4`,
    values,
  );
}

export async function deleteBudget(
  context: LedgerContext,
  id: string,
): Promise<BudgetRecord | null> {
  const [budget] = await selectBudgets(context, { ids: [id] });
  if (!budget) return null;
  await context.database.query('DELETE FROM "Budget" WHERE "id" = $1', [id]);
  return budget;
}

/** Own budgets before defaults, daily before monthly; a default only where the subject has none of its period. */
export async function budgets(
  context: LedgerContext,
  subjects: readonly BudgetSubject[] | null,
): Promise<BudgetRecord[]> {
  return selectBudgets(context, { subjects });
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

/** A default's own spending is 0: it is each subject's window that counts against it. */
async function selectBudgets(
  context: LedgerContext,
  { ids = null, subjects = null }: BudgetFilter,
): Promise<BudgetRecord[]> {
  const rows = await context.database.query<BudgetRow>(
    `SELECT b."id", b."scope", b."subject", b."period", b."limit",
       coalesce(w."spent", 0) AS "spent", coalesce(w."held", 0) AS "held",
       ledger_window_end(b."period", c."at", $2) AS "resetsAt"
     FROM (SELECT coalesce($1::timestamptz, clock_timestamp()) AS "at") c
     CROSS JOIN "Budget" b
     LEFT JOIN unnest($3::text[], $4::text[]) k("scope", "subject")
       ON k."scope" = b."scope" AND b."subject" IN (k."subject", '*')
     LEFT JOIN "SpendingWindow" w ON w."scope" = b."scope"
       AND w."subject" = coalesce(k."subject", CASE WHEN b."scope" = 'EVERYTHING' OR b."subject" <> '*' THEN b."subject" END)
       AND w."period" = b."period"
       AND w."startsAt" = date_trunc(CASE b."period" WHEN 'DAILY' THEN 'day' ELSE 'month' END, c."at", $2)
     WHERE ($5::uuid[] IS NULL OR b."id" = ANY ($5::uuid[]))
       AND ($3::text[] IS NULL OR (k."subject" IS NOT NULL AND (b."subject" = k."subject" OR NOT EXISTS (
         SELECT FROM "Budget" o WHERE o."scope" = k."scope" AND o."subject" = k."subject" AND o."period" = b."period"))))
     ORDER BY b."scope" <> 'USER', b."scope", b."subject" = '*', b."subject", k."subject", b."period"`,
    [
      context.now(),
      context.timeZone,
      subjects?.map(({ scope }) => scope) ?? null,
      subjects?.map(({ subject }) => subject) ?? null,
      ids,
    ],
  );
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

interface BudgetFilter {
  ids?: readonly string[] | null;
  subjects?: readonly BudgetSubject[] | null;
}
