import type { Database } from '../../data/database.ts';
import type { Usd } from '../../kernel/prices.ts';
import type { CostStats, CostStatsRequest } from '../ledger.ts';
import type { LedgerContext } from '../ledger-context.ts';
import { amount, sum, usd } from '../usd.ts';
import { type CostStatsAnswer, costStatsQuery, dimensionColumns } from './cost-stats-query.ts';
import { checkBuckets, statsWindow } from './stats-window.ts';

/** The percentiles' sort of a million durations goes to disk in the usual 4 MB, and takes a third longer. */
async function queryWide(
  database: Database,
  text: string,
  values: readonly unknown[],
): Promise<CostStatsAnswer[]> {
  if (database.kind === 'embedded') return database.query(text, values);
  return database.transaction(async (transaction) => {
    await transaction.query(
      `SELECT set_config('work_mem', '64MB', true), set_config('jit', 'off', true)`,
    );
    return transaction.query(text, values);
  });
}

type Sums = CostStatsAnswer['sums'][number];

/** One statement, so that all of its figures are of the same moment. */
export async function costStats(
  context: LedgerContext,
  request: CostStatsRequest,
): Promise<CostStats> {
  const window = statsWindow(request.window, context.now() ?? new Date());
  if (request.bucket) checkBuckets(window, request.bucket);
  const { text, values } = costStatsQuery(request, {
    window,
    timeZone: context.timeZone,
    now: context.now(),
  });
  const [answer] = await queryWide(context.database, text, values);
  return statsFrom(request, answer!);
}

function statsFrom(
  request: CostStatsRequest,
  { sums, percentiles, series }: CostStatsAnswer,
): CostStats {
  const total = (column: NumberColumn): number => totalOf(sums, column);
  const requests = total('requests');
  const timed = total('timedRequests');
  const [p50, p95, p99] = percentiles ?? [];
  return {
    requests,
    errors: total('errors'),
    cacheHits: total('cacheHits'),
    totalCost: costOf(sums),
    inputTokens: total('inputTokens'),
    outputTokens: total('outputTokens'),
    cacheReadTokens: total('cacheReadTokens'),
    cacheWriteTokens: total('cacheWriteTokens'),
    averageDurationMs: requests > 0 ? total('durationMs') / requests : null,
    p50DurationMs: p50 ?? null,
    p95DurationMs: p95 ?? null,
    p99DurationMs: p99 ?? null,
    averageTimeToFirstTokenMs: timed > 0 ? total('timeToFirstTokenMs') / timed : null,
    costByModel: costByModel(sums),
    groups: groupsOf(request, sums),
    series: series.map((point) => ({
      start: new Date(point.start),
      requests: point.requests,
      totalCost: usd(point.cost),
      inputTokens: point.inputTokens,
      outputTokens: point.outputTokens,
      cacheReadTokens: point.cacheReadTokens,
      cacheWriteTokens: point.cacheWriteTokens,
      errors: point.errors,
    })),
  };
}

type NumberColumn = {
  [Column in keyof Sums]: Sums[Column] extends number ? Column : never;
}[keyof Sums];

const totalOf = (sums: readonly Sums[], column: NumberColumn): number =>
  sums.reduce((total, row) => total + row[column], 0);

const costOf = (sums: readonly Sums[]): string => usd(sum(sums.map(({ cost }) => cost)));

interface Ranked<Part> {
  part: Part;
  name: string;
  cost: Usd;
}

/** The dearest first; equals by name. A cost is read once, and not for each comparison: there may be thousands. */
const dearestFirst = <Part>(parts: readonly Ranked<Part>[]): Part[] =>
  parts
    .map((ranked) => ({ ...ranked, exact: amount(ranked.cost) }))
    .sort((one, other) => other.exact.comparedTo(one.exact) || (one.name < other.name ? -1 : 1))
    .map(({ part }) => part);

function costByModel(sums: readonly Sums[]): CostStats['costByModel'] {
  return dearestFirst(
    [...Map.groupBy(sums, ({ model }) => model)].map(([model, rows]) => {
      const part = { model, requests: totalOf(rows, 'requests'), cost: costOf(rows) };
      return { part, name: model, cost: part.cost };
    }),
  );
}

function groupsOf(request: CostStatsRequest, sums: readonly Sums[]): CostStats['groups'] {
  const dimensions = dimensionColumns(request);
  if (dimensions.length === 0) return [];
  const groups = Map.groupBy(sums, ({ key }) => JSON.stringify(key));
  return dearestFirst(
    [...groups].map(([name, rows]) => {
      const requests = totalOf(rows, 'requests');
      const key = rows[0]!.key;
      const part = {
        key: Object.fromEntries(
          dimensions.map(({ dimension }, index) => [dimension, key[index] ?? null]),
        ),
        requests,
        totalCost: costOf(rows),
        inputTokens: totalOf(rows, 'inputTokens'),
        outputTokens: totalOf(rows, 'outputTokens'),
        cacheReadTokens: totalOf(rows, 'cacheReadTokens'),
        cacheWriteTokens: totalOf(rows, 'cacheWriteTokens'),
        averageDurationMs: requests > 0 ? totalOf(rows, 'durationMs') / requests : null,
      };
      return { part, name, cost: part.totalCost };
    }),
  );
}
