import type { Database, Queryable } from '../../data/database.ts';
import type { PageStart } from '../../ledger/page-cursor.ts';
import { recordColumns } from '../log/run-rows.ts';
import type { RunFilter, RunRecord } from '../runs.ts';
import { newestFirst, pageConditions } from './run-page-sql.ts';
import { allRuns } from './run-source.ts';
import { SqlValues } from './sql-values.ts';
import { wordQuery } from './word-query.ts';

/** Words that more runs have are looked for among the newest runs first: sorting all that have them takes long. */
const maxSorted = 2_000;
const newestRuns = 2_000;

/** Room for an exact bitmap of a million runs: of an inexact one, every row is read and cut into words again. */
const settings = { work_mem: '64MB', jit: 'off' };

/**
 * Runs that have ended and hold all words of a text, in the first 50,000 characters of what was asked or of what was
 * answered: one more than a page, newest first. Throws `InvalidInputError` for a text without a word.
 */
export async function searchRuns(
  database: Database,
  text: string,
  { filter, page }: { filter: RunFilter; page: PageStart },
): Promise<RunRecord[]> {
  const sql = new SqlValues();
  const query = await wordQuery(database, text, sql);
  const conditions = pageConditions(allRuns(filter), page, sql);
  const ended = `r."finishedAt" IS NOT NULL AND ${conditions}`;
  const matches = `run_words(r.input, r.text) @@ ${query}`;
  const order = `${newestFirst} LIMIT ${page.size + 1}`;

  return database.transaction(async (transaction) => {
    const read = (statement: string) => transaction.query<RunRecord>(statement, sql.values);
    if (await isCommon(transaction, `${ended} AND ${matches}`, sql)) {
      const newest = await read(
        `SELECT r.* FROM (SELECT ${recordColumns}, r.input FROM "Run" r WHERE ${ended} ${newestFirst} LIMIT ${newestRuns}) AS r
         WHERE ${matches} ${order}`,
      );
      if (newest.length > page.size) return newest;
    }
    return read(
      `WITH r AS MATERIALIZED (SELECT ${recordColumns} FROM "Run" r WHERE ${ended} AND ${matches})
       SELECT * FROM r ${order}`,
    );
  }, settings);
}

async function isCommon(database: Queryable, condition: string, sql: SqlValues): Promise<boolean> {
  const [row] = await database.query<{ found: number }>(
    `SELECT count(*)::int AS found FROM (
       SELECT FROM "Run" r WHERE ${condition} LIMIT ${maxSorted + 1}) AS found`,
    sql.values,
  );
  return row!.found > maxSorted;
}
