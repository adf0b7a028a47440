import { setTimeout as delay } from 'node:timers/promises';
import type { Database, Queryable } from '../../data/database.ts';
import {
  binMs,
  dateBin,
  durationStep,
  quoted,
  type RollUpBin,
  type RollUpSet,
  recordSums,
  rollUpSets,
  sumColumns,
} from './roll-up-sets.ts';

/** What is younger may still be written to: five minutes more than the migration's triggers keep an eye on. */
const settledAfter = '15 minutes';
/** Two and a half seconds in all. */
const fenceDelaysMs = [0, 10, 20, 40, 80, 160, 320, 640, 1280];

interface Span {
  from: Date;
  to: Date;
}

/**
 * Makes the roll-ups of one more day or the day's latest quarters of an hour, in one statement: first what is new, then
 * what was changed late, then the past, a day at a time backwards. Resolves with whether there was something to do; false
 * as well while another server is at it, or while a transaction that has written goes on for seconds.
 *
 * Roll-ups are exact in every snapshot. Whoever writes a record of more than ten minutes ago marks its quarter in the same
 * transaction (the triggers of the migration); whoever writes a younger one has begun to write before `settledUntil` read
 * the clock, and is waited for. A mark is removed by the statement that makes the quarter anew, and only if it was seen by
 * it, as then the records are that it stands for.
 */
export async function rollUpUsage(database: Database): Promise<boolean> {
  const limit = await settledUntil(database);
  if (!limit) return false;
  return database.transaction(async (transaction) => {
    const [state] = await transaction.query<Span>(
      `SELECT "from", "to" FROM "UsageRollUpState" FOR UPDATE SKIP LOCKED`,
    );
    const span = state && (await nextSpan(transaction, state, limit));
    if (!span) return false;
    await transaction.query(spanLength(span) === dayMs ? makeDay : makeQuarters, [
      span.from,
      span.to,
    ]);
    return true;
  });
}

/**
 * Up to here nobody writes any more without leaving a mark. Null while somebody may who began long ago: every transaction
 * that had written has a lower number than this one's, and has ended when none so low is left.
 */
async function settledUntil(database: Database): Promise<Date | null> {
  const [fence] = await database.query<{ limit: Date; number: string }>(
    `SELECT ${dateBin('15 minutes', `clock_timestamp() - interval '${settledAfter}'`)} AS "limit",
       pg_current_xact_id()::text AS "number"`,
  );
  for (const milliseconds of fenceDelaysMs) {
    await delay(milliseconds);
    const [answer] = await database.query<{ passed: boolean }>(
      'SELECT pg_snapshot_xmin(pg_current_snapshot()) > $1::text::xid8 AS "passed"',
      [fence!.number],
    );
    if (answer!.passed) return fence!.limit;
  }
  return null;
}

const dayMs = binMs['1 day'];
const dayOf = (moment: Date): Date => new Date(Math.floor(moment.getTime() / dayMs) * dayMs);
const after = (moment: Date, milliseconds: number): Date =>
  new Date(moment.getTime() + milliseconds);
const spanLength = ({ from, to }: Span): number => to.getTime() - from.getTime();
const wholeDay = (moment: Date): Span => ({
  from: dayOf(moment),
  to: after(dayOf(moment), dayMs),
});

async function nextSpan(
  transaction: Queryable,
  state: Span,
  limit: Date,
): Promise<Span | undefined> {
  const { from, to } = spanLength(state) === 0 ? { from: dayOf(limit), to: dayOf(limit) } : state;
  const today = wholeDay(to);
  if (limit >= today.to) return today;
  if (limit > to) return { from: to, to: limit };
  const [found] = await transaction.query<{ stale: Date | null; earlier: Date | null }>(
    `SELECT (SELECT max("start") FROM "UsageRollUpStale" WHERE "start" >= $1 AND "start" < $2) AS "stale",
       (SELECT max("createdAt") FROM "UsageRecord" WHERE "createdAt" < $1) AS "earlier"`,
    [from, to],
  );
  const { stale, earlier } = found!;
  if (stale && stale >= today.from) return { from: stale, to: after(stale, binMs['15 minutes']) };
  const other = stale ?? earlier;
  return other ? wholeDay(other) : undefined;
}

const scan = `FROM "UsageRecord" WHERE "createdAt" >= $1 AND "createdAt" < $2`;

/** A day is made alone: the planner expects as few groups as there are without the time. */
const startOf = (bin: RollUpBin): string =>
  bin === '1 day' ? '$1::timestamptz' : dateBin(bin, '"createdAt"');

const insertSet = ({ name, bin, columns }: RollUpSet): string =>
  `INSERT INTO "UsageRollUp" ("set", "start", ${quoted([...columns, ...sumColumns, 'cost'])})
   SELECT '${name}', ${startOf(bin)} AS "start", ${quoted(columns)}, ${recordSums}
   ${scan} GROUP BY "start", ${quoted(columns)}`;

const insertDurations = `INSERT INTO "UsageDurations" ("start", "model", "kind", "step", "requests", "durationsMs")
  SELECT ${startOf('1 day')} AS "start", "model", "kind", ${durationStep} AS "step", count(*),
    array_agg("durationMs") ${scan} GROUP BY "start", "model", "kind", "step"`;

/** Of $1 (included) to $2, in place of what there was. */
function makeSpan(sets: readonly RollUpSet[], others: readonly string[]): string {
  const names = sets.map(({ name }) => `'${name}'`).join(', ');
  const steps = [
    `DELETE FROM "UsageRollUp" WHERE "set" IN (${names}) AND "start" >= $1 AND "start" < $2`,
    ...others,
    ...sets.map(insertSet),
    // Before what is rolled up, marks mean nothing.
    `DELETE FROM "UsageRollUpStale" s USING "state" WHERE s."start" < $2 AND (s."start" >= $1 OR s."start" < "state"."from")`,
  ];
  return `WITH "state" AS (
      UPDATE "UsageRollUpState" SET "from" = CASE WHEN "from" = "to" THEN $1 ELSE least("from", $1) END,
        "to" = CASE WHEN "from" = "to" THEN $2 ELSE greatest("to", $2) END RETURNING "from"
    ), ${steps.map((step, index) => `"step${index}" AS (${step})`).join(',\n')} SELECT`;
}

const makeQuarters = makeSpan(
  rollUpSets.filter(({ bin }) => bin === '15 minutes'),
  [],
);
const makeDay = makeSpan(rollUpSets, [
  `DELETE FROM "UsageDurations" WHERE "start" >= $1 AND "start" < $2`,
  insertDurations,
]);
