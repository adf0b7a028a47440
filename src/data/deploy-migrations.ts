import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type { Log } from '../kernel/log.ts';
import { messageOf } from '../kernel/message-of.ts';
import type { Queryable } from './database.ts';

interface MigrationFile {
  name: string;
  sql: string;
  /** SHA-256 of the file, as Prisma computes it. */
  checksum: string;
}

interface MigrationRow {
  migration_name: string;
  checksum: string;
  finished_at: Date | null;
  rolled_back_at: Date | null;
}

const migrationsFolder = new URL('../../prisma/migrations/', import.meta.url);

/** Prisma's own table, so that its command line understands a database that we migrated, and we one that it did. */
const createTable = `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
  "id" VARCHAR(36) PRIMARY KEY NOT NULL,
  "checksum" VARCHAR(64) NOT NULL,
  "finished_at" TIMESTAMPTZ,
  "migration_name" VARCHAR(255) NOT NULL,
  "logs" TEXT,
  "rolled_back_at" TIMESTAMPTZ,
  "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(),
  "applied_steps_count" INTEGER NOT NULL DEFAULT 0
)`;

/** The key of the advisory lock that Prisma's command line takes as well. */
const lockKey = 72_707_369;

/** The migrations of `folder` in the order in which they apply. */
export async function readMigrations(folder: URL = migrationsFolder): Promise<MigrationFile[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(
    names.sort().map(async (name) => {
      const bytes = await readFile(new URL(`${name}/migration.sql`, folder));
      const checksum = createHash('sha256').update(bytes).digest('hex');
      return { name, sql: bytes.toString('utf8'), checksum };
    }),
  );
}

/**
 * Brings a database up to the migrations of `folder`, over one connection. Any number of servers may do so at once: they
 * queue at an advisory lock. Rejects with one clear line when an applied migration's file has changed, or an earlier
 * attempt has failed; a database with migrations of a newer server is only warned of.
 */
export async function deployMigrations(
  connection: Queryable,
  options: { log: Log; folder?: URL },
): Promise<string[]> {
  const migrations = await readMigrations(options.folder);
  await connection.query('SELECT pg_advisory_lock($1::bigint)::text', [lockKey]);
  try {
    await connection.query(createTable);
    const rows = await connection.query<MigrationRow>(
      `SELECT "migration_name", "checksum", "finished_at", "rolled_back_at" FROM "_prisma_migrations"`,
    );
    const pending = pendingMigrations(migrations, rows, options.log);
    for (const migration of pending) await apply(connection, migration);
    return pending.map((migration) => migration.name);
  } finally {
    await connection
      .query('SELECT pg_advisory_unlock($1::bigint)', [lockKey])
      .catch(() => undefined);
  }
}

function pendingMigrations(
  migrations: MigrationFile[],
  rows: MigrationRow[],
  log: Log,
): MigrationFile[] {
  const inForce = rows.filter((row) => row.rolled_back_at === null);
  const failed = inForce.find((row) => row.finished_at === null);
  if (failed) {
    throw new Error(
      `The database's migration ${failed.migration_name} has failed or was cut short; repair it by hand, then mark it with "prisma migrate resolve".`,
    );
  }
  const applied = new Map(inForce.map((row) => [row.migration_name, row.checksum]));
  const changed = migrations.find(
    ({ name, checksum }) => applied.has(name) && applied.get(name) !== checksum,
  );
  if (changed) {
    throw new Error(
      `The migration ${changed.name} was changed after it had been applied to this database; restore the file and put the change into a new migration.`,
    );
  }
  const known = new Set(migrations.map(({ name }) => name));
  const newer = [...applied.keys()].filter((name) => !known.has(name));
  if (newer.length > 0) {
    log.warn(
      { migrations: newer },
      'the database has migrations that this version does not know: it was used by a newer one',
    );
  }
  return migrations.filter(({ name }) => !applied.has(name));
}

/** Statement by statement outside of a transaction, as Prisma does, would leave halves: file and record are one. */
async function apply(connection: Queryable, migration: MigrationFile): Promise<void> {
  const id = randomUUID();
  await connection.query('BEGIN');
  try {
    await connection.query(migration.sql);
    await connection.query(
      `INSERT INTO "_prisma_migrations" ("id", "checksum", "migration_name", "finished_at", "applied_steps_count")
       VALUES ($1, $2, $3, clock_timestamp(), 1)`,
      [id, migration.checksum, migration.name],
    );
    await connection.query('COMMIT');
  } catch (error) {
    await connection.query('ROLLBACK').catch(() => undefined);
    throw new Error(
      `The migration ${migration.name} failed and was rolled back: ${messageOf(error)}`,
      { cause: error },
    );
  }
}
