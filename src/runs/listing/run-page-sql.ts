import type { PageStart } from '../../ledger/page-cursor.ts';
import { recordColumns } from '../log/run-rows.ts';
import { runConditions } from './run-conditions.ts';
import type { RunSource } from './run-source.ts';
import type { SqlValues } from './sql-values.ts';

export const newestFirst = 'ORDER BY r."createdAt" DESC, r.id DESC';

/** Reads one row more than the page has, newest first. */
export function runPageSql(sources: readonly RunSource[], page: PageStart, sql: SqlValues): string {
  const stretches = sources.map((source) => stretchSql(source, page, sql));
  if (stretches.length === 1) return stretches[0]!;
  return `SELECT * FROM ((${stretches.join(') UNION ALL (')})) AS r ${newestFirst} LIMIT ${page.size + 1}`;
}

function stretchSql(source: RunSource, page: PageStart, sql: SqlValues): string {
  const { from, createdAt, id, branches } = source;
  const limit = `LIMIT ${page.size + 1}`;
  const conditions = pageConditions(source, page, sql);
  const stretch = `SELECT ${recordColumns} FROM ${from} WHERE ${conditions}
    ORDER BY ${createdAt} DESC, ${id} DESC ${limit}`;
  if (!branches) return stretch;
  return `SELECT r.* FROM ${branches} AS branch(value) CROSS JOIN LATERAL (${stretch}) AS r ${newestFirst} ${limit}`;
}

/** Which rows of the source are of its filter, and after the last edge already seen. */
export function pageConditions(
  { createdAt, id, rest, condition = 'true' }: RunSource,
  { after }: PageStart,
  sql: SqlValues,
): string {
  const conditions = [condition, ...runConditions(rest, createdAt, sql)];
  if (after) {
    const at = sql.of(after.createdAt);
    // The first alone bounds an index scan; the second keeps the order among rows of one millisecond.
    const place = `(${createdAt}, ${id}) < (${at}, ${sql.of(after.id)}::uuid)`;
    conditions.push(`${createdAt} <= ${at}`, place);
  }
  return conditions.join(' AND ');
}
