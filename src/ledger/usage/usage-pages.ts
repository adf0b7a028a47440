import type { Database } from '../../data/database.ts';
import type { Page, PageRequest } from '../../kernel/page.ts';
import type { RunUsage, UsageRecordRow } from '../ledger.ts';
import { pageOf, readPageRequest } from '../page-cursor.ts';
import { usd } from '../usd.ts';
import { type StoredUsageRecord, selectedUsageColumns, usageRecordFrom } from './usage-row.ts';

export async function usageRecords(
  database: Database,
  request: PageRequest & { userId?: string | null; runId?: string | null },
): Promise<Page<UsageRecordRow>> {
  const page = readPageRequest(request);
  const values: unknown[] = [page.size + 1];
  const where: string[] = [];
  const add = (condition: (parameter: string) => string, ...parameters: unknown[]): void => {
    const start = values.push(...parameters) - parameters.length + 1;
    where.push(condition(`$${start}`));
  };
  if (request.userId) add((user) => `"userId" = ${user}`, request.userId);
  if (request.runId) add((run) => `"runId" = ${run}::uuid`, request.runId);
  if (page.after) {
    values.push(page.after.createdAt, page.after.id);
    // The first condition alone bounds the index scan; the second keeps order among rows of one millisecond.
    where.push(
      `"createdAt" <= $${values.length - 1} AND ("createdAt", "id") < ($${values.length - 1}, $${values.length}::uuid)`,
    );
  }
  const rows = await database.query<StoredUsageRecord>(
    `SELECT ${selectedUsageColumns} FROM "UsageRecord"
     ${where.length > 0 ? `WHERE ${where.join(' AND ')}` : ''}
     ORDER BY "createdAt" DESC, "id" DESC LIMIT $1`,
    values,
  );
  return pageOf(rows.map(usageRecordFrom), page);
}

export async function usageRecordsById(
  database: Database,
  ids: readonly string[],
): Promise<(UsageRecordRow | null)[]> {
  const rows = await database.query<StoredUsageRecord>(
    `SELECT ${selectedUsageColumns} FROM "UsageRecord" WHERE "id" = ANY ($1::uuid[])`,
    [ids],
  );
  const found = new Map(rows.map((row) => [row.id, usageRecordFrom(row)]));
  return ids.map((id) => found.get(id) ?? null);
}

interface RunUsageRow extends RunUsage {
  runId: string;
}

const sumColumns = `"runId", "inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens", "estimated", "cost"`;

const noUsage: RunUsage = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  estimated: false,
  cost: '0',
};

/** Answers in the order of `runIds`. */
export async function usageByRun(
  database: Database,
  runIds: readonly string[],
): Promise<RunUsage[]> {
  const rows = await database.query<RunUsageRow>(
    `SELECT "runId", sum("inputTokens")::float8 AS "inputTokens", sum("outputTokens")::float8 AS "outputTokens",
       sum("cacheReadTokens")::float8 AS "cacheReadTokens", sum("cacheWriteTokens")::float8 AS "cacheWriteTokens",
       bool_or("estimated") AS "estimated", CASE WHEN bool_or("cost" IS NULL) THEN NULL ELSE sum("cost") END AS "cost"
     FROM (
       SELECT ${sumColumns} FROM "UsageRecord" WHERE "runId" = ANY ($1::uuid[])
       UNION ALL SELECT ${sumColumns} FROM "PurgedUsage" WHERE "runId" = ANY ($1::uuid[])
     ) u GROUP BY "runId"`,
    [runIds],
  );
  const found = new Map(
    rows.map(({ runId, ...usage }) => [
      runId,
      { ...usage, cost: usage.cost === null ? null : usd(usage.cost) },
    ]),
  );
  return runIds.map((runId) => found.get(runId) ?? noUsage);
}
