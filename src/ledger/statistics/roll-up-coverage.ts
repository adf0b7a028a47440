import { dateBin, type RollUpBin } from './roll-up-sets.ts';

const names: Record<RollUpBin, string> = { '15 minutes': 'quarters', '1 day': 'days' };

export interface RollUpCoverage {
  /** Goes before the common table expressions that use the others. */
  ctes: string;
  /** What a row of roll-ups, with its `start`, must meet to be counted. */
  isCovered: string;
  /** Table of the spans of the window, `lo` to `hi` (excluded), that have to be read from the records. */
  gaps: string;
}

/**
 * The part of a window that is rolled up in bins of this length: whole bins, except those that were changed late and not
 * yet made anew. What is left is read from the records: before the first and behind the last bin, and those between.
 */
export function rollUpCoverage(
  bin: RollUpBin,
  { from, to }: { from: string; to: string },
): RollUpCoverage {
  const name = names[bin];
  const up = (moment: string): string =>
    dateBin(bin, `${moment} + interval '${bin}' - interval '1 microsecond'`);
  const down = (moment: string): string => dateBin(bin, moment);
  return {
    ctes: `"${name}" AS MATERIALIZED (
        SELECT CASE WHEN "hi" > "lo" THEN "lo" ELSE "to" END AS "lo", CASE WHEN "hi" > "lo" THEN "hi" ELSE "to" END AS "hi",
          "window"."from", "window"."to"
        FROM (SELECT ${from} AS "from", ${to} AS "to") "window", LATERAL (
          SELECT max(greatest(${up('"window"."from"')}, ${up('s."from"')})) AS "lo",
            max(least(${down('"window"."to"')}, ${down('s."to"')})) AS "hi" FROM "UsageRollUpState" s) "bounds"
      ), "${name}Stale" AS MATERIALIZED (
        SELECT DISTINCT ${down('s."start"')} AS "start" FROM "UsageRollUpStale" s, "${name}" c
        WHERE s."start" >= c."lo" AND s."start" < c."hi"
      ), "${name}Gaps" AS MATERIALIZED (
        SELECT "from" AS "lo", "lo" AS "hi" FROM "${name}" WHERE "from" < "lo"
        UNION ALL SELECT "hi", "to" FROM "${name}" WHERE "hi" < "to"
        UNION ALL SELECT "start", "start" + interval '${bin}' FROM "${name}Stale")`,
    // There are none outside of what is rolled up: without those bounds the planner knows how many to expect.
    isCovered: `"start" >= ${up(from)} AND "start" < ${down(to)}
      AND "start" NOT IN (SELECT "start" FROM "${name}Stale")`,
    gaps: `"${name}Gaps"`,
  };
}
