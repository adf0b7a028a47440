import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { migrationsFolder } from './schema-difference.ts';

/** Each function of the database as it stands now, a file each. What made it that is in the migrations. */
export const functionsFolder = fileURLToPath(new URL('../prisma/functions', import.meta.url));

const statement =
  /^(?:CREATE (?:OR REPLACE )?FUNCTION (?<created>\w+)[\s\S]*?(?<quote>\$\w*\$)[\s\S]*?\k<quote>[^;]*;|DROP FUNCTION (?:IF EXISTS )?(?<dropped>\w+)[^;]*;)/gm;

/** Statements by function, in the words of the last migration that defines it. */
export function functionsOf(migrations: readonly string[]): Map<string, string> {
  const functions = new Map<string, string>();
  for (const sql of migrations) {
    for (const { 0: text, groups } of sql.matchAll(statement)) {
      if (groups?.['dropped']) functions.delete(groups['dropped']);
      else functions.set(groups!['created']!, replacing(text));
    }
  }
  return functions;
}

/** As it can be run on a database that has the function. */
const replacing = (text: string): string =>
  text.replace(/^CREATE FUNCTION/, 'CREATE OR REPLACE FUNCTION');

/** A file holds a comment on what the function promises, and then its statement. */
export const statementIn = (file: string): string =>
  file.slice(file.search(/^CREATE OR REPLACE FUNCTION/m)).trimEnd();

export async function readMigrations(): Promise<string[]> {
  const names = (await readdir(migrationsFolder)).filter((name) => /^\d/.test(name)).sort();
  return Promise.all(
    names.map((name) => readFile(path.join(migrationsFolder, name, 'migration.sql'), 'utf8')),
  );
}

async function readFunctions(): Promise<Map<string, string>> {
  const names = (await readdir(functionsFolder)).filter((name) => name.endsWith('.sql')).sort();
  const texts = await Promise.all(
    names.map((name) => readFile(path.join(functionsFolder, name), 'utf8')),
  );
  return new Map(names.map((name, index) => [name.slice(0, -'.sql'.length), texts[index]!]));
}

/** Functions whose file says another thing than the migrations: what a migration has to run, and what is wrong. */
export async function functionDifferences(): Promise<{ sql: string[]; problems: string[] }> {
  const made = functionsOf(await readMigrations());
  const files = await readFunctions();
  const changed = [...files].filter(([name, text]) => made.get(name) !== statementIn(text));
  const withoutFile = [...made.keys()].filter((name) => !files.has(name));
  return {
    sql: [
      ...changed.map(([, text]) => statementIn(text)),
      ...withoutFile.map((name) => `DROP FUNCTION ${name};`),
    ],
    problems: [
      ...changed.map(([name]) => `prisma/functions/${name}.sql differs from the migrations.`),
      ...withoutFile.map((name) => `A migration makes ${name}, which prisma/functions lacks.`),
    ],
  };
}
