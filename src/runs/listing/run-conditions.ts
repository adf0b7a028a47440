import type { RunFilter } from '../runs.ts';
import type { SqlValues } from './sql-values.ts';

/** The conditions of a filter on the row `r` of a run, its text left out; `created` is the column that bounds the scan. */
export function runConditions(filter: RunFilter, created: string, sql: SqlValues): string[] {
  const { kinds, statuses, tags, createdAfter, createdBefore, minCost } = filter;
  const conditions: string[] = [];
  const add = (value: unknown, condition: (placeholder: string) => string): void => {
    if (value != null) conditions.push(condition(sql.of(value)));
  };
  add(kinds, (value) => `r.kind = ANY(${value}::text[])`);
  add(statuses, (value) => `r.status = ANY(${value}::text[])`);
  add(filter.userId, (value) => `r."userId" = ${value}`);
  add(filter.model, (value) => `r.model = ${value}`);
  add(filter.prompt, (value) => `r."promptName" = ${value}`);
  add(filter.agent, (value) => `r.agent = ${value}`);
  add(filter.conversationId, (value) => `r."conversationId" = ${value}::uuid`);
  add(tags, (value) => `r.tags @> ${value}::text[]`);
  add(filter.errorCode, (value) => `r.error->>'code' = ${value}`);
  add(createdAfter, (value) => `${created} >= ${value}`);
  add(createdBefore, (value) => `${created} < ${value}`);
  add(minCost, (value) => `r.cost >= ${value}::numeric`);
  return conditions;
}
