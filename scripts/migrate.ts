// npm run migrate:new -- NAME: writes the SQL that leads from the migrations to schema.prisma and prisma/functions, to be
// reviewed. npm run migrate:check: fails when they differ.
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { functionDifference } from './function-difference.ts';
import { migrationsFolder, schemaDifference } from './schema-difference.ts';

async function check(): Promise<number> {
  const schema = await schemaDifference('words');
  const functions = await functionDifference('words');
  if (schema === null && functions === null) {
    console.log('The migrations make what schema.prisma and prisma/functions say.');
    return 0;
  }
  const remedy = 'npm run migrate:new -- NAME writes a migration';
  if (schema !== null)
    console.error(`schema.prisma has what no migration makes (${remedy}):\n${schema}`);
  if (functions !== null)
    console.error(`The migrations do not end at prisma/functions (${remedy}):\n${functions}`);
  return 1;
}

async function author(name: string): Promise<number> {
  const parts = [await schemaDifference('sql'), await functionDifference('sql')];
  const sql = parts.filter((part) => part !== null).join('\n');
  if (sql === '') {
    console.log('Nothing to do: the migrations make what schema.prisma and prisma/functions say.');
    return 0;
  }
  const folder = path.join(migrationsFolder, `${await nextStamp()}_${name}`);
  await mkdir(folder);
  await writeFile(path.join(folder, 'migration.sql'), sql);
  console.log(
    `Wrote ${path.relative(process.cwd(), folder)}/migration.sql: read it before you commit it.`,
  );
  return 0;
}

/** Now, but after every migration that is there: they apply in the order of their names. */
async function nextStamp(): Promise<number> {
  const now = Number(new Date().toISOString().replace(/\D/g, '').slice(0, 14));
  const stamps = (await readdir(migrationsFolder)).map((entry) => Number.parseInt(entry, 10) || 0);
  return Math.max(now, ...stamps.map((stamp) => stamp + 1));
}

async function main([command, name]: string[]): Promise<number> {
  if (command === 'check') return check();
  if (command === 'new' && name && /^[a-z][a-z0-9_]*$/.test(name)) return author(name);
  console.error('Usage: npm run migrate:check, or npm run migrate:new -- NAME (lower snake_case)');
  return 1;
}

// Not just the exit code: the schema engine leaves a timer of 10 s running.
process.exit(await main(process.argv.slice(2)));
