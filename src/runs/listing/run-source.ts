import type { Queryable } from '../../data/database.ts';
import type { RunFilter } from '../runs.ts';
import type { SqlValues } from './sql-values.ts';

/**
 * Where the rows `r` of a list are read from, so that the newest come first without sorting: an index that has them in
 * the list's order, or several stretches of one (`branches`), which are merged.
 */
export interface RunSource {
  from: string;
  /** Rows with the values that `branch.value` takes, one after the other. */
  branches?: string;
  condition?: string;
  /** Columns of the list's order. */
  createdAt: string;
  id: string;
  /** What of the filter is still to be checked of each row. */
  rest: RunFilter;
}

/** All runs, for a filter whose own index has them in the list's order. */
export const allRuns = (rest: RunFilter): RunSource => ({
  from: '"Run" r',
  createdAt: 'r."createdAt"',
  id: 'r.id',
  rest,
});

/** 2 to the power of this many dollars is more than a cost can be. */
const maxCostStep = 40;

/** Chooses the sources of a filter: each is in the list's order, and together they are all of it. */
export async function runSources(
  database: Queryable,
  filter: RunFilter,
  sql: SqlValues,
): Promise<RunSource[]> {
  const { tags, minCost, statuses, kinds } = filter;
  if (tags && tags.length > 0) {
    const rest = { ...filter, tags: null };
    return [taggedRuns(await rarestFirst(database, tags), rest, sql)];
  }
  if (minCost != null) return [expensiveRuns(minCost, filter, sql)];
  if (statuses && !statuses.includes('SUCCEEDED')) {
    const rest = allRuns({ ...filter, statuses: null });
    return statuses.map((status) => ({
      ...rest,
      condition: `r.status = ${sql.of(status)}`,
    }));
  }
  if (!kinds) return [allRuns(filter)];
  const rest = allRuns({ ...filter, kinds: null });
  return kinds.map((kind) => ({ ...rest, condition: `r.kind = ${sql.of(kind)}` }));
}

/** Only in the lowest step may a cost be below the least. */
function expensiveRuns(minCost: string, filter: RunFilter, sql: SqlValues): RunSource {
  const least = `${sql.of(minCost)}::numeric`;
  return {
    ...allRuns({ ...filter, minCost: null }),
    branches: `generate_series(run_cost_step(${least}), ${maxCostStep})`,
    condition: `run_cost_step(r.cost) = branch.value AND r.cost > 0
      AND (branch.value > run_cost_step(${least}) OR r.cost >= ${least})`,
  };
}

/** Runs of the rarest of some tags that have all the others too; `OFFSET 0` keeps the order of the first tag's index. */
function taggedRuns(tags: readonly string[], rest: RunFilter, sql: SqlValues): RunSource {
  const [first, ...others] = tags;
  const has = others.map(
    (tag) => `EXISTS (SELECT FROM "RunTag" other WHERE other.tag = ${sql.of(tag)}
      AND other."createdAt" = t."createdAt" AND other."runId" = t."runId" OFFSET 0)`,
  );
  return {
    from: '"RunTag" t JOIN "Run" r ON r.id = t."runId"',
    condition: [`t.tag = ${sql.of(first)}`, ...has].join(' AND '),
    createdAt: 't."createdAt"',
    id: 't."runId"',
    rest,
  };
}

const manyRuns = 10_000;

async function rarestFirst(database: Queryable, tags: readonly string[]): Promise<string[]> {
  if (tags.length === 1) return [...tags];
  const rows = await database.query<{ tag: string }>(
    `SELECT tag FROM unnest($1::text[]) AS tag ORDER BY (
       SELECT count(*) FROM (
         SELECT FROM "RunTag" t WHERE t.tag = tag.tag ORDER BY t."createdAt" LIMIT ${manyRuns}) AS runs
     )`,
    [tags],
  );
  return rows.map(({ tag }) => tag);
}
