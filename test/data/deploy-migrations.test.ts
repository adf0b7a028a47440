import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { deployMigrations } from '../../src/data/deploy-migrations.ts';
import type { Log } from '../../src/kernel/log.ts';
import { testLog } from '../support/test-log.ts';
import { openBareConnection } from './support/bare-connection.ts';

let connection: Awaited<ReturnType<typeof openBareConnection>>;
let folder: string;
beforeAll(async () => {
  connection = await openBareConnection();
});
afterAll(() => connection[Symbol.asyncDispose]());
beforeEach(async () => {
  await connection.query('DROP SCHEMA public CASCADE');
  await connection.query('CREATE SCHEMA public');
  folder = await mkdtemp(path.join(tmpdir(), 'tessera-migrations-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function addMigration(name: string, sql: string): Promise<void> {
  await mkdir(path.join(folder, name), { recursive: true });
  await writeFile(path.join(folder, name, 'migration.sql'), sql);
}

const deploy = (log: Log = testLog): Promise<string[]> =>
  deployMigrations(connection, { log, folder: pathToFileURL(`${folder}/`) });

test('each migration is applied once, in the order of the names, and recorded as Prisma does', async () => {
  const create = `CREATE TABLE one (id int);\nCREATE FUNCTION two() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 2; END $$;\n`;
  await addMigration('2_second', 'ALTER TABLE one ADD COLUMN name text');
  await addMigration('1_first', create);
  expect(await deploy()).toEqual(['1_first', '2_second']);
  expect(await deploy()).toEqual([]);
  await addMigration('3_third', 'INSERT INTO one VALUES (two(), NULL)');
  expect(await deploy()).toEqual(['3_third']);
  expect(await connection.query('SELECT * FROM one')).toEqual([{ id: 2, name: null }]);
  const records = await connection.query<Record<string, unknown>>(
    `SELECT *, started_at <= finished_at AS in_order FROM "_prisma_migrations" ORDER BY migration_name`,
  );
  expect(records).toHaveLength(3);
  expect(records[0]).toMatchObject({
    checksum: createHash('sha256').update(create).digest('hex'),
    migration_name: '1_first',
    in_order: true,
    rolled_back_at: null,
    logs: null,
    applied_steps_count: 1,
  });
});

test('a migration that fails leaves nothing behind, names the cause, and can be repaired', async () => {
  await addMigration('1_first', 'CREATE TABLE one (id int); INSERT INTO nowhere VALUES (1)');
  await expect(deploy()).rejects.toThrow(
    /1_first failed and was rolled back: relation "nowhere" does not exist/,
  );
  await addMigration('1_first', 'CREATE TABLE one (id int)');
  expect(await deploy()).toEqual(['1_first']);
});

test('a migration that was changed after it had been applied is refused', async () => {
  await addMigration('1_first', 'CREATE TABLE one (id int)');
  await deploy();
  await addMigration('1_first', 'CREATE TABLE one (id bigint)');
  await addMigration('2_second', 'CREATE TABLE two (id int)');
  await expect(deploy()).rejects.toThrow(/1_first was changed after/);
  expect(await connection.query(`SELECT to_regclass('two') AS two`)).toEqual([{ two: null }]);
});

test('a migration that another tool left unfinished is refused until it is resolved', async () => {
  await addMigration('1_first', 'CREATE TABLE one (id int)');
  await deploy();
  await connection.query(`UPDATE "_prisma_migrations" SET finished_at = NULL`);
  await expect(deploy()).rejects.toThrow(/1_first has failed or was cut short/);
  await connection.query(`UPDATE "_prisma_migrations" SET rolled_back_at = now()`);
  await connection.query('DROP TABLE one');
  expect(await deploy()).toEqual(['1_first']);
});

test('a newer database is used, with a warning', async () => {
  await addMigration('1_first', 'CREATE TABLE one (id int)');
  await addMigration('2_newer', 'CREATE TABLE two (id int)');
  await deploy();
  await rm(path.join(folder, '2_newer'), { recursive: true });
  const warnings: object[] = [];
  expect(await deploy({ ...testLog, warn: (fields) => warnings.push(fields) })).toEqual([]);
  expect(warnings).toEqual([{ migrations: ['2_newer'] }]);
});
