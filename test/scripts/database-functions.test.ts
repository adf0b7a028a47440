import { expect, test } from 'vitest';
import { functionDifferences, functionsOf, statementIn } from '../../scripts/database-functions.ts';

const first = "CREATE FUNCTION one(a int) RETURNS int LANGUAGE sql AS $$ SELECT ';' $$;";
const second =
  'CREATE OR REPLACE FUNCTION one(a int) RETURNS int LANGUAGE sql AS $x$ SELECT 2 $x$;';
const other =
  'CREATE FUNCTION other() RETURNS trigger AS $$\nBEGIN\n  RETURN NULL;\nEND $$ LANGUAGE plpgsql;';

test('the last migration that defines a function has its text', () => {
  const functions = functionsOf([`-- A comment.\n${first}\nSELECT 1;\n${other}`, second]);
  expect(Object.fromEntries(functions)).toEqual({
    one: second,
    other: other.replace('CREATE', 'CREATE OR REPLACE'),
  });
});

test('a dropped function is none', () => {
  expect([...functionsOf([other, 'DROP FUNCTION IF EXISTS other();']).keys()]).toEqual([]);
});

test('a comment before the statement is not part of it', () => {
  expect(statementIn(`-- What it promises.\n${second}\n`)).toBe(second);
});

test('every function of the database has a file that says what the migrations make', async () => {
  expect(await functionDifferences()).toEqual({ sql: [], problems: [] });
});
