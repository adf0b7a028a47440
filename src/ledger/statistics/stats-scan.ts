import type { CostStatsRequest } from '../ledger.ts';
import type { StatsWindow } from './stats-window.ts';

/** What of a statistics' window and filters goes into its SQL. */
export interface StatsScan {
  /** Expressions of the bounds. */
  from: string;
  to: string;
  filters: readonly string[];
  /** The columns in `filters`. */
  filtered: readonly string[];
  /** FROM and WHERE: the records asked for. */
  records: string;
  /** Those of them that lie in one of the spans, `lo` to `hi` (excluded), of a table. */
  recordsIn(spans: string): string;
  values: readonly unknown[];
}

/**
 * Bounds are written into each WHERE and not joined from a subquery, so that the planner knows how much of the table
 * they select.
 */
export function statsScan(
  request: CostStatsRequest,
  { window, timeZone, now }: { window: StatsWindow; timeZone: string; now: Date | null },
): StatsScan {
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
  const filters: string[] = [];
  const filtered: string[] = [];
  const filter = (column: string, value: unknown, type = 'text'): void => {
    if (value === null || value === undefined) return;
    values.push(value);
    filters.push(`"${column}" = $${values.length}::${type}`);
    filtered.push(column);
  };
  filter('userId', request.userId);
  filter('model', request.model);
  filter('promptName', request.prompt);
  filter('promptVersionId', request.promptVersionId, 'uuid');
  filter('kind', request.kind);
  return {
    from,
    to,
    filters,
    filtered,
    values,
    records: `FROM "UsageRecord" WHERE ${[`"createdAt" >= ${from}`, `"createdAt" < ${to}`, ...filters].join(' AND ')}`,
    recordsIn: (spans) =>
      `FROM ${spans} g JOIN "UsageRecord" ON ${['"createdAt" >= g."lo"', '"createdAt" < g."hi"', ...filters].join(' AND ')}`,
  };
}
