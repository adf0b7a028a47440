import { rollUpCoverage } from './roll-up-coverage.ts';
import { binMs, durationStep, type RollUpBin } from './roll-up-sets.ts';
import type { StatsScan } from './stats-scan.ts';
import type { StatsWindow } from './stats-window.ts';

const rolledUp: ReadonlySet<string> = new Set(['model', 'kind']);

interface DurationPercentiles {
  /** The roll-ups they are read from. */
  bin?: RollUpBin;
  ctes: readonly string[];
  /** An expression: p50, p95 and p99 in an array, null without requests. */
  json: string;
}

/**
 * As percentile_cont has them, without sorting all durations where they are rolled up: how many there are in each step
 * says in which steps the wanted ranks lie, and only those steps' durations are read.
 */
export function durationPercentiles(
  scan: StatsScan,
  { window }: { window: StatsWindow },
): DurationPercentiles {
  const bin: RollUpBin = '1 day';
  if (window.lengthMs < binMs[bin] || !scan.filtered.every((column) => rolledUp.has(column)))
    return {
      ctes: [],
      json: `(SELECT to_json(percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY "durationMs"))
        ${scan.records})`,
    };
  const { isCovered, gaps } = rollUpCoverage(bin, scan);
  const where = `WHERE ${[isCovered, ...scan.filters].join(' AND ')}`;
  return {
    bin,
    ctes: [
      `"unrolled" AS MATERIALIZED (SELECT ${durationStep} AS "step", "durationMs" ${scan.recordsIn(gaps)})`,
      `"ranks" AS MATERIALIZED (
        SELECT "step", sum("requests") OVER (ORDER BY "step") - "requests" AS "first", "requests",
          sum("requests") OVER () AS "total"
        FROM (SELECT "step", sum("requests")::float8 AS "requests" FROM (
            SELECT "step", sum("requests") AS "requests" FROM "UsageDurations" r ${where} GROUP BY "step"
            UNION ALL SELECT "step", count(*) FROM "unrolled" GROUP BY "step") s GROUP BY "step") s)`,
      `"wanted" AS MATERIALIZED (
        SELECT "part", floor("place") AS "low", ceil("place") AS "high", "place" - floor("place") AS "share"
        FROM (SELECT "part", "part" * ("total" - 1) AS "place" FROM (SELECT "total" FROM "ranks" LIMIT 1) t,
          unnest(ARRAY[0.5, 0.95, 0.99]::float8[]) AS "part") p)`,
      `"near" AS MATERIALIZED (
        SELECT "step", "first", "first" + "requests" - 1 AS "last" FROM "ranks" WHERE EXISTS (SELECT FROM "wanted" WHERE
          "low" BETWEEN "first" AND "first" + "requests" - 1 OR "high" BETWEEN "first" AND "first" + "requests" - 1))`,
      `"sorted" AS MATERIALIZED (
        SELECT "first", "last", array_agg("ms" ORDER BY "ms") AS "ms"
        FROM "near" JOIN (
          SELECT "step", unnest("durationsMs") AS "ms" FROM "UsageDurations" r
            ${where} AND "step" = ANY (ARRAY(SELECT "step" FROM "near"))
          UNION ALL SELECT "step", "durationMs" FROM "unrolled" WHERE "step" = ANY (ARRAY(SELECT "step" FROM "near"))
        ) d USING ("step") GROUP BY "step", "first", "last")`,
      `"neighbours" AS (
        SELECT "part", "share", l."ms"[("low" - l."first")::int + 1] AS "one", h."ms"[("high" - h."first")::int + 1] AS "other"
        FROM "wanted" JOIN "sorted" l ON "low" BETWEEN l."first" AND l."last"
          JOIN "sorted" h ON "high" BETWEEN h."first" AND h."last")`,
    ],
    json: `(SELECT json_agg("one" + ("other" - "one") * "share" ORDER BY "part") FROM "neighbours")`,
  };
}
