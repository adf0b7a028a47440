import type { Queryable } from '../../../../src/data/database.ts';
import { openDatabase } from '../../../../src/data/open-database.ts';
import { testLog } from '../../../support/test-log.ts';

export type Acknowledgement =
  | { kind: 'call'; runId: string; text: string; cost: string }
  | { kind: 'budget'; subject: string; limit: string }
  | { kind: 'document'; source: string };

/** Opens what a power cut has left and looks for everything that was acknowledged. Resolves with what is wrong. */
export async function checkImage(
  dataDir: string,
  acknowledged: readonly Acknowledgement[],
): Promise<string[]> {
  try {
    const database = await openDatabase({ dataDir, log: testLog });
    try {
      return [...(await lost(database, acknowledged)), ...(await damaged(database))];
    } finally {
      await database.close();
    }
  } catch (error) {
    return [`does not open: ${String(error)}`];
  }
}

async function lost(database: Queryable, all: readonly Acknowledgement[]): Promise<string[]> {
  const problems: string[] = [];
  for (const what of all) {
    const found =
      what.kind === 'call' ? await findCall(database, what) : await find(database, what);
    if (!found) problems.push(`lost: ${JSON.stringify(what).slice(0, 120)}`);
  }
  const [spent] = await database.query<{ enough: boolean }>(
    `SELECT coalesce(sum("spent"), 0) >= $1::numeric AS enough FROM "BudgetWindow" WHERE "period" = 'DAILY'`,
    [sum(all)],
  );
  return spent?.enough ? problems : [...problems, 'lost: what a budget has spent'];
}

const sum = (all: readonly Acknowledgement[]): string => {
  const units = all.reduce(
    (total, what) =>
      what.kind === 'call' ? total + BigInt(Math.round(Number(what.cost) * 1e9)) : total,
    0n,
  );
  return `${units}e-9`;
};

type Call = Acknowledgement & { kind: 'call' };

/** The run, its events and its record of usage. */
async function findCall(database: Queryable, { runId, text, cost }: Call): Promise<boolean> {
  const [row] = await database.query<{ status: string; text: string; told: string; cost: string }>(
    `SELECT r."status", r."text", trim_scale((SELECT sum("cost") FROM "UsageRecord" WHERE "runId" = r."id"))::text AS "cost",
            (SELECT string_agg("payload"->>'text', '' ORDER BY "position") FROM "RunEvent"
              WHERE "runId" = r."id" AND "type" = 'TextDelta') AS "told"
     FROM "Run" r WHERE r."id" = $1`,
    [runId],
  );
  return row?.status === 'SUCCEEDED' && row.text === text && row.told === text && row.cost === cost;
}

async function find(
  database: Queryable,
  what: Exclude<Acknowledgement, { kind: 'call' }>,
): Promise<boolean> {
  const [sql, values] =
    what.kind === 'budget'
      ? ['"Budget" WHERE "subject" = $1 AND "limit" = $2::numeric', [what.subject, what.limit]]
      : [
          '"Document" d WHERE "source" = $1 AND EXISTS (SELECT FROM "Chunk" c WHERE c."documentId" = d."id")',
          [what.source],
        ];
  return (await database.query(`SELECT 1 FROM ${sql}`, values as string[])).length === 1;
}

/** Every row is read, and every primary key's index says the same. */
async function damaged(database: Queryable): Promise<string[]> {
  const problems: string[] = [];
  const tables = await database.query<{ name: string; key: string }>(
    `SELECT c.relname AS name, a.attname AS key FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
     WHERE i.indisprimary AND c.relnamespace = 'public'::regnamespace`,
  );
  for (const { name, key } of tables) {
    const count = `SELECT count(*)::int AS rows FROM "${name}" t`;
    const [heap] = await database.query<{ rows: number }>(`${count} WHERE length(t::text) > 0`);
    await database.query('SET enable_seqscan = off');
    const [index] = await database.query<{ rows: number }>(`${count} WHERE "${key}" IS NOT NULL`);
    await database.query('RESET enable_seqscan');
    if (heap?.rows !== index?.rows)
      problems.push(`${name}: ${heap?.rows} rows, ${index?.rows} keys`);
  }
  return problems;
}
