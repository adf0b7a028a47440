import { readdir, readFile } from 'node:fs/promises';
import pg from 'pg';
import { deployMigrations } from '../src/data/deploy-migrations.ts';
import { startEmbeddedServer } from '../src/data/embedded/embedded-server.ts';
import { queryableOf } from '../src/data/run-transaction.ts';
import { silentLog } from './silent-log.ts';

/** `ledger_hold.sql` holds the function `ledger_hold` as it stands now. */
const functionsFolder = new URL('../prisma/functions/', import.meta.url);

/** Definitions as the database prints them, by name and argument types. */
type Functions = ReadonlyMap<string, string>;

interface Difference {
  /** Functions that the migrations make, and that stand in no file. */
  extra: string[];
  /** Functions that stand in a file, and that the migrations make differently or not at all. */
  changed: string[];
}

/**
 * The difference between the functions that the migrations make and those of `folder`, or null: in words, or as the SQL
 * of a migration that removes it. Comments inside a body count, those before a function do not.
 */
export async function functionDifference(
  form: 'words' | 'sql',
  folder: URL = functionsFolder,
): Promise<string | null> {
  const sources = await readSources(folder);
  const difference = await compare(sources);
  const lines =
    form === 'words'
      ? [
          ...difference.changed.map((signature) => `${signature} has no migration`),
          ...difference.extra.map((signature) => `${signature} has no file`),
        ]
      : [
          ...difference.extra.map((signature) => `DROP FUNCTION ${signature};\n`),
          ...filesOf(difference.changed).map((file) => sources.get(file)!),
        ];
  return lines.length > 0 ? lines.join('\n') : null;
}

async function compare(sources: ReadonlyMap<string, string>): Promise<Difference> {
  const server = await startEmbeddedServer({ dataDir: 'memory://' }, silentLog);
  const client = new pg.Client({
    stream: () => server.connect(),
    user: 'postgres',
    database: 'postgres',
  });
  await client.connect();
  try {
    await deployMigrations(queryableOf(client), { log: silentLog });
    const migrated = await readFunctions(client);
    // One may go with another that it depends on, a trigger with its function.
    for (const signature of migrated.keys())
      await client.query(`DROP FUNCTION IF EXISTS ${signature} CASCADE`);
    await client.query('SET check_function_bodies = off');
    for (const [file, text] of sources) await createFunction(client, file, text);
    const written = await readFunctions(client);
    return {
      extra: [...migrated.keys()].filter((signature) => !written.has(signature)),
      changed: [...written.keys()].filter(
        (signature) => migrated.get(signature) !== written.get(signature),
      ),
    };
  } finally {
    await client.end();
    await server.close();
  }
}

async function readSources(folder: URL): Promise<ReadonlyMap<string, string>> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
  const texts = await Promise.all(files.map((file) => readFile(new URL(file, folder), 'utf8')));
  return new Map(files.map((file, index) => [file, texts[index]!]));
}

async function createFunction(client: pg.Client, file: string, text: string): Promise<void> {
  const before = await readFunctions(client);
  try {
    await client.query(text);
  } catch (error) {
    throw new Error(`prisma/functions/${file}: ${(error as Error).message}`, { cause: error });
  }
  const made = [...(await readFunctions(client)).keys()].filter((name) => !before.has(name));
  if (made.length === 0 || made.some((signature) => fileOf(signature) !== file))
    throw new Error(`prisma/functions/${file} must hold the function that it is named for alone.`);
}

const fileOf = (signature: string): string => `${signature.slice(0, signature.indexOf('('))}.sql`;

/** Each once: one file holds all signatures of a function. */
const filesOf = (signatures: readonly string[]): string[] => [...new Set(signatures.map(fileOf))];

/** Those that belong to no extension. */
async function readFunctions(client: pg.Client): Promise<Functions> {
  const { rows } = await client.query<{ signature: string; definition: string }>(
    `SELECT p.oid::regprocedure::text AS "signature", pg_get_functiondef(p.oid) AS "definition" FROM pg_proc p
     WHERE p.pronamespace = 'public'::regnamespace AND NOT EXISTS (
       SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
     ORDER BY 1`,
  );
  return new Map(rows.map(({ signature, definition }) => [signature, definition]));
}
