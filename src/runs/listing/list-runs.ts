import type { Database } from '../../data/database.ts';
import type { Page, PageRequest } from '../../kernel/page.ts';
import { type PageStart, pageOf, readPageRequest } from '../../ledger/page-cursor.ts';
import type { RunFilter, RunRecord } from '../runs.ts';
import { runPageSql } from './run-page-sql.ts';
import { runSources } from './run-source.ts';
import { searchRuns } from './search-runs.ts';
import { SqlValues } from './sql-values.ts';

/** Newest first. Throws `InvalidInputError` for a bad cursor or page size, or a text without a word. */
export async function listRuns(
  database: Database,
  { filter, ...request }: PageRequest & { filter: RunFilter },
): Promise<Page<RunRecord>> {
  const page = readPageRequest(request);
  const { text, ...conditions } = filter;
  const rows =
    text == null
      ? await readPage(database, conditions, page)
      : await searchRuns(database, text, { filter: conditions, page });
  return pageOf(rows, page);
}

async function readPage(
  database: Database,
  filter: RunFilter,
  page: PageStart,
): Promise<RunRecord[]> {
  const sql = new SqlValues();
  const sources = await runSources(database, filter, sql);
  return database.query<RunRecord>(runPageSql(sources, page, sql), sql.values);
}
