import type { CostDimension, CostStatsRequest, StatsBucket } from './ledger.ts';
import type { StatsWindow } from './stats-window.ts';

interface PointSums {
  requests: number;
  errors: number;
  /** US dollars, as text. */
  cost: string;
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
}

/** The single row that the statement answers. */
export interface CostStatsAnswer {
  /** One for each model and key that occurs: everything else sums up from here. */
  sums: (PointSums & {
    model: string;
    /** In the order of the dimensions asked for. */
    key: (string | null)[];
    cacheHits: number;
    durationMs: number;
    /** Requests that had a first token, and what their times to it add up to. */
    timedRequests: number;
    timeToFirstTokenMs: number;
  })[];
  /** p50, p95, p99; null without requests. */
  percentiles: number[] | null;
  /** In order, empty buckets included. */
  series: (PointSums & { start: string })[];
}

const columns: Record<CostDimension, string> = {
  MODEL: 'model',
  USER: 'userId',
  PROMPT: 'promptName',
  PROMPT_VERSION: 'promptVersionId',
  VARIANT: 'variant',
  KIND: 'kind',
  API_KEY: 'apiKeyId',
};

/** The dimensions asked for, each once, with their columns. */
export const dimensionColumns = (
  request: CostStatsRequest,
): { dimension: CostDimension; column: string }[] =>
  [...new Set(request.groupBy ?? [])].map((dimension) => ({
    dimension,
    column: columns[dimension],
  }));

const pointColumns = [
  'requests',
  'errors',
  'inputTokens',
  'outputTokens',
  'cacheReadTokens',
  'cacheWriteTokens',
];
const sumColumns = [
  ...pointColumns,
  'cacheHits',
  'durationMs',
  'timedRequests',
  'timeToFirstTokenMs',
];

/** Of usage records. */
const recordSums = `count(*) AS "requests",
  count(*) FILTER (WHERE "status" IN ('failed', 'interrupted')) AS "errors", sum("cost") AS "cost",
  sum("inputTokens") AS "inputTokens", sum("outputTokens") AS "outputTokens",
  count(*) FILTER (WHERE "cached") AS "cacheHits",
  sum("cacheReadTokens") AS "cacheReadTokens", sum("cacheWriteTokens") AS "cacheWriteTokens",
  sum("durationMs") AS "durationMs", count("timeToFirstTokenMs") AS "timedRequests",
  sum("timeToFirstTokenMs") AS "timeToFirstTokenMs"`;

/** Of sums of usage records. */
const sumsOf = (columns: readonly string[]): string =>
  [
    ...columns.map((column) => `coalesce(sum("${column}"), 0)::float8 AS "${column}"`),
    `coalesce(sum("cost"), 0)::text AS "cost"`,
  ].join(', ');

/** No place's offset from UTC is finer than this, so the quarters of an hour add up to its hours, days and months. */
const bins: Record<StatsBucket, string> = {
  MINUTE: '1 minute',
  HOUR: '15 minutes',
  DAY: '15 minutes',
  MONTH: '15 minutes',
};

const steps: Record<StatsBucket, string> = {
  MINUTE: '1 minute',
  HOUR: '1 hour',
  DAY: '1 day',
  MONTH: '1 month',
};

/** Few enough values to be split by time as well, so that one scan serves both groups and series. */
const coarse: ReadonlySet<string> = new Set(['model', 'kind']);

/**
 * Bounds are written into each WHERE and not joined from a subquery, so that the planner knows how much of the table
 * they select.
 */
export function costStatsQuery(
  request: CostStatsRequest,
  options: { window: StatsWindow; timeZone: string; now: Date | null },
): { text: string; values: unknown[] } {
  const { scan, from, to, values } = scanOf(request, options);
  const { bucket } = request;
  const keys = dimensionColumns(request).map(({ column }) => column);
  const columns = [...new Set(['model', ...keys])].map((column) => `"${column}"`).join(', ');
  const bin = `date_bin('${bucket ? bins[bucket] : ''}', "createdAt", TIMESTAMPTZ '1970-01-01 00:00:00+00')`;
  const together = bucket && keys.every((key) => coarse.has(key));
  const ctes = [
    together
      ? `"parts" AS MATERIALIZED (
          SELECT ${columns}, ${bin} AS "bin", ${recordSums} ${scan} GROUP BY ${columns}, "bin")`
      : `"parts" AS MATERIALIZED (SELECT ${columns}, ${recordSums} ${scan} GROUP BY ${columns})`,
    `"sums" AS (SELECT "model", json_build_array(${keys.map((key) => `"${key}"`).join(', ')}) AS "key",
      ${sumsOf(sumColumns)} FROM "parts" GROUP BY ${columns})`,
  ];
  if (bucket && !together)
    ctes.push(
      `"points" AS MATERIALIZED (SELECT ${bin} AS "bin", ${recordSums} ${scan} GROUP BY "bin")`,
    );
  if (bucket)
    ctes.push(
      `"series" AS (${seriesOf(bucket, { points: together ? 'parts' : 'points', from, to })})`,
    );
  const text = `WITH ${ctes.join(',\n')}
    SELECT (SELECT coalesce(json_agg("sums"), '[]') FROM "sums") AS "sums",
      ${request.percentiles === false ? 'NULL::json' : percentilesOf(scan)} AS "percentiles",
      ${bucket ? `(SELECT coalesce(json_agg("series" ORDER BY "start"), '[]') FROM "series")` : `'[]'::json`} AS "series"`;
  return { text, values };
}

const percentilesOf = (scan: string): string =>
  `(SELECT to_json(percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY "durationMs")) ${scan})`;

function scanOf(
  request: CostStatsRequest,
  { window, timeZone, now }: { window: StatsWindow; timeZone: string; now: Date | null },
): { scan: string; from: string; to: string; values: unknown[] } {
  const values: unknown[] = [
    now,
    window.to,
    window.from,
    window.calendarPart,
    window.clockPart,
    timeZone,
  ];
  const to = 'coalesce($2::timestamptz, $1::timestamptz, now())';
  const from = `coalesce($3::timestamptz,
    (${to} AT TIME ZONE $6::text - $4::interval) AT TIME ZONE $6::text - $5::interval)`;
  const where = [`"createdAt" >= ${from}`, `"createdAt" < ${to}`];
  const filter = (column: string, value: unknown, type = 'text'): void => {
    if (value === null || value === undefined) return;
    values.push(value);
    where.push(`"${column}" = $${values.length}::${type}`);
  };
  filter('userId', request.userId);
  filter('model', request.model);
  filter('promptName', request.prompt);
  filter('promptVersionId', request.promptVersionId, 'uuid');
  filter('kind', request.kind);
  return { scan: `FROM "UsageRecord" WHERE ${where.join(' AND ')}`, from, to, values };
}

/** Minutes and hours step on the clock, days and months on the calendar: a day of 23 hours is one bucket. */
function seriesOf(
  bucket: StatsBucket,
  { points, from, to }: { points: string; from: string; to: string },
): string {
  const unit = bucket.toLowerCase();
  const step = `interval '${steps[bucket]}'`;
  const starts =
    bucket === 'MINUTE' || bucket === 'HOUR'
      ? `generate_series(date_trunc('${unit}', ${from}, $6::text), ${to}, ${step})`
      : `(SELECT g AT TIME ZONE $6::text FROM generate_series(
          date_trunc('${unit}', ${from} AT TIME ZONE $6::text), ${to} AT TIME ZONE $6::text, ${step}) g)`;
  const zeros = pointColumns.map((column) => `coalesce(p."${column}", 0) AS "${column}"`);
  return `SELECT coalesce(b."start", p."start") AS "start", coalesce(p."cost", '0') AS "cost", ${zeros.join(', ')}
    FROM (SELECT s."start" FROM ${starts} AS s("start") WHERE s."start" < ${to}) b
    FULL JOIN (
      SELECT date_trunc('${unit}', "bin", $6::text) AS "start", ${sumsOf(pointColumns)} FROM "${points}" GROUP BY 1
    ) p ON p."start" = b."start"`;
}
