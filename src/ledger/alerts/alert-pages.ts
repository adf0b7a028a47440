import type { Database } from '../../data/database.ts';
import type { Page, PageRequest } from '../../kernel/page.ts';
import type { AlertRecord } from '../ledger.ts';
import { pageOf, readPageRequest } from '../page-cursor.ts';
import { usd } from '../usd.ts';

const columns = `"id", "kind", "message", "userId", "runId", "cost", "threshold", "createdAt"`;

const alertFrom = (row: AlertRecord): AlertRecord => ({
  ...row,
  cost: row.cost === null ? null : usd(row.cost),
  threshold: row.threshold === null ? null : usd(row.threshold),
});

/** Newest first. */
export async function alerts(database: Database, request: PageRequest): Promise<Page<AlertRecord>> {
  const page = readPageRequest(request);
  const rows = await database.query<AlertRecord>(
    `SELECT ${columns} FROM "Alert"
     WHERE $2::timestamptz IS NULL OR ("createdAt", "id") < ($2::timestamptz, $3::uuid)
     ORDER BY "createdAt" DESC, "id" DESC LIMIT $1`,
    [page.size + 1, page.after?.createdAt ?? null, page.after?.id ?? null],
  );
  return pageOf(rows.map(alertFrom), page);
}

export async function alertsById(
  database: Database,
  ids: readonly string[],
): Promise<(AlertRecord | null)[]> {
  const rows = await database.query<AlertRecord>(
    `SELECT ${columns} FROM "Alert" WHERE "id" = ANY ($1::uuid[])`,
    [ids],
  );
  const found = new Map(rows.map((row) => [row.id, alertFrom(row)]));
  return ids.map((id) => found.get(id) ?? null);
}
