import type { CostDimension, CostStatsRequest, StatsBucket } from '../ledger.ts';
import { durationPercentiles } from './duration-percentiles.ts';
import { rollUpCoverage } from './roll-up-coverage.ts';
import {
  binMs,
  dateBin,
  quoted,
  type RollUpBin,
  type RollUpSet,
  recordSums,
  rollUpSets,
  rollUpSums,
  sumColumns,
} from './roll-up-sets.ts';
import { type StatsScan, statsScan } from './stats-scan.ts';
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

interface CostStatsQueryOptions {
  window: StatsWindow;
  timeZone: string;
  now: Date | null;
}

/** What is rolled up is read from roll-ups, the rest of the window from the records: in one statement, of one snapshot. */
export function costStatsQuery(
  request: CostStatsRequest,
  options: CostStatsQueryOptions,
): { text: string; values: readonly unknown[] } {
  const scan = statsScan(request, options);
  const { bucket } = request;
  const keys = dimensionColumns(request).map(({ column }) => column);
  const groupColumns = [...new Set(['model', ...keys])];
  const together = bucket && keys.every((key) => coarse.has(key));
  const used = new Set<RollUpBin>();
  const sumsBy = (part: SumsBy): string => {
    const set = setFor(part, { ...options, scan });
    if (set) used.add(set.bin);
    return partialSums(part, scan, set);
  };
  const ctes = [
    `"parts" AS MATERIALIZED (${sumsBy({ columns: groupColumns, bucket: together ? bucket : null })})`,
    `"sums" AS (SELECT "model", json_build_array(${quoted(keys)}) AS "key", ${sumsOf(sumColumns)}
      FROM "parts" GROUP BY ${quoted(groupColumns)})`,
  ];
  if (bucket && !together)
    ctes.push(`"points" AS MATERIALIZED (${sumsBy({ columns: [], bucket })})`);
  if (bucket) ctes.push(`"series" AS (${seriesOf(bucket, scan, together ? 'parts' : 'points')})`);
  const percentiles = request.percentiles === false ? null : durationPercentiles(scan, options);
  if (percentiles?.bin) used.add(percentiles.bin);
  const coverages = [...used].map((bin) => rollUpCoverage(bin, scan).ctes);
  const text = `WITH ${[...coverages, ...(percentiles?.ctes ?? []), ...ctes].join(',\n')}
    SELECT (SELECT coalesce(json_agg("sums"), '[]') FROM "sums") AS "sums",
      ${percentiles?.json ?? 'NULL::json'} AS "percentiles",
      ${bucket ? `(SELECT coalesce(json_agg("series" ORDER BY "start"), '[]') FROM "series")` : `'[]'::json`} AS "series"`;
  return { text, values: scan.values };
}

/** Sums by the values of columns and, with a bucket, by bins of time that add up to it. */
interface SumsBy {
  columns: readonly string[];
  bucket: StatsBucket | null;
}

/** The narrowest set that has all columns asked for, or none. */
const setFor = (
  { columns, bucket }: SumsBy,
  { window, timeZone, scan }: CostStatsQueryOptions & { scan: StatsScan },
): RollUpSet | undefined =>
  rollUpSets.find(
    (set) =>
      window.lengthMs >= binMs[set.bin] &&
      [...columns, ...scan.filtered].every((column) => set.columns.includes(column)) &&
      addsUpTo(bucket, set.bin, timeZone),
  );

function addsUpTo(bucket: StatsBucket | null, bin: RollUpBin, timeZone: string): boolean {
  if (bucket === null) return true;
  if (bin === '15 minutes') return bucket !== 'MINUTE';
  return timeZone === 'UTC' && (bucket === 'DAY' || bucket === 'MONTH');
}

/** The parts that sums are the sums of: some of roll-ups, some of records. */
function partialSums({ columns, bucket }: SumsBy, scan: StatsScan, set?: RollUpSet): string {
  const by = [...columns, ...(bucket ? ['bin'] : [])];
  const select = (bin: string, sums: string): string =>
    `SELECT ${[...columns.map((column) => `"${column}"`), ...(bucket ? [`${bin} AS "bin"`] : []), sums].join(', ')}`;
  const groupBy = by.length > 0 ? `GROUP BY ${quoted(by)}` : '';
  const ofRecords = select(bucket ? dateBin(bins[bucket], '"createdAt"') : '', recordSums);
  if (!set) return `${ofRecords} ${scan.records} ${groupBy}`;
  const { isCovered, gaps } = rollUpCoverage(set.bin, scan);
  return `${select('"start"', rollUpSums)} FROM "UsageRollUp" r
      WHERE ${[`"set" = '${set.name}'`, isCovered, ...scan.filters].join(' AND ')} ${groupBy}
    UNION ALL ${ofRecords} ${scan.recordsIn(gaps)} ${groupBy}`;
}

/** Minutes and hours step on the clock, days and months on the calendar: a day of 23 hours is one bucket. */
function seriesOf(bucket: StatsBucket, { from, to }: StatsScan, points: string): string {
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
