import type { EmbeddedDatabase } from '../../src/data/open-database.ts';

/** A new embedded database costs two seconds of processor time, to empty a used one a tenth of that. */
interface Used {
  database: EmbeddedDatabase;
  pristine: Pristine;
}

/** What a database is like before a test has had it. */
interface Pristine {
  /** Tables, columns, indexes, constraints, functions and triggers, summed up. */
  schema: string;
  /** The rows that migrations have made, as JSON, by table. */
  rows: { name: string; rows: string }[];
  /** All tables that a test may write to. */
  tables: string[];
}

const maxKept = 2;
const kept: Used[] = [];

/** A database that another test of this process has left, empty again. */
export function takeUsed(): Used | undefined {
  return kept.pop();
}

export async function readPristine(database: EmbeddedDatabase): Promise<Pristine> {
  const tables = await database.query<{ name: string }>(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE '\\_%' ORDER BY 1`,
  );
  const rows: Pristine['rows'] = [];
  for (const { name } of tables) {
    const [filled] = await database.query<{ rows: string | null }>(
      `SELECT json_agg(t)::text AS rows FROM "${name}" t`,
    );
    if (filled?.rows) rows.push({ name, rows: filled.rows });
  }
  return { schema: await readSchema(database), rows, tables: tables.map(({ name }) => name) };
}

/** Keeps the database for another test, as it was before this one; or closes it, when that can't be had. */
export async function leaveUsed({ database, pristine }: Used): Promise<void> {
  const isClean = kept.length < maxKept && (await clean(database, pristine).catch(() => false));
  if (isClean) kept.push({ database, pristine });
  else await database.close();
}

async function clean(database: EmbeddedDatabase, pristine: Pristine): Promise<boolean> {
  if ((await readSchema(database)) !== pristine.schema) return false;
  const names = pristine.tables.map((name) => `"${name}"`).join(', ');
  // Without triggers: this is no change of anything.
  await database.query('SET session_replication_role = replica');
  await database.query(`TRUNCATE ${names} RESTART IDENTITY CASCADE`);
  for (const { name, rows } of pristine.rows)
    await database.query(
      `INSERT INTO "${name}" SELECT * FROM json_populate_recordset(NULL::"${name}", $1::json)`,
      [rows],
    );
  // All of DISCARD ALL but the prepared statements: the connection is the same and counts on them.
  await database.query(
    'RESET ALL; CLOSE ALL; UNLISTEN *; DISCARD PLANS; DISCARD TEMP; DISCARD SEQUENCES',
  );
  await database.query('SELECT pg_advisory_unlock_all()');
  return true;
}

async function readSchema(database: EmbeddedDatabase): Promise<string> {
  const [row] = await database.query<{ schema: string }>(
    `SELECT md5(string_agg(line, E'\\n' ORDER BY line)) AS schema FROM (
       SELECT format('%s %s %s %s', c.relname, c.relkind, a.attname, format_type(a.atttypid, a.atttypmod)) AS line
       FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
       WHERE c.relnamespace = 'public'::regnamespace
       UNION ALL SELECT format('constraint %s %s', conname, pg_get_constraintdef(oid)) FROM pg_constraint
       WHERE connamespace = 'public'::regnamespace
       UNION ALL SELECT format('function %s %s', proname, md5(prosrc)) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
       UNION ALL SELECT format('trigger %s %s', tgname, tgrelid) FROM pg_trigger) AS lines`,
  );
  return row!.schema;
}
