import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { functionDifference } from '../../scripts/function-difference.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tessera-functions-'));
  const functions = fileURLToPath(new URL('../../prisma/functions', import.meta.url));
  await cp(functions, folder, { recursive: true });
});
afterEach(() => rm(folder, { recursive: true }));

const difference = (form: 'words' | 'sql') => functionDifference(form, pathToFileURL(`${folder}/`));

test('the migrations end at the functions of prisma/functions', async () => {
  expect(await functionDifference('words')).toBeNull();
});

test('a changed, a new and a missing file are each a difference, and a migration follows from them', async () => {
  const hold = path.join(folder, 'ledger_hold.sql');
  const changed = (await readFile(hold, 'utf8')).replace(
    "SET lock_timeout = '4s'",
    "SET lock_timeout = '5s'",
  );
  await writeFile(hold, changed);
  await rm(path.join(folder, 'ledger_settle.sql'));
  const added = 'CREATE FUNCTION ledger_one() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;\n';
  await writeFile(path.join(folder, 'ledger_one.sql'), added);
  const words = (await difference('words'))!.split('\n');
  expect(words).toEqual([
    expect.stringMatching(/^ledger_hold\(.*\) has no migration$/),
    'ledger_one() has no migration',
    expect.stringMatching(/^ledger_settle\(.*\) has no file$/),
  ]);
  const sql = await difference('sql');
  expect(sql).toContain(`${changed}\n${added}`);
  expect(sql).toMatch(/^DROP FUNCTION ledger_settle\(/);
});

test('a file holds the function that it is named for alone', async () => {
  const two = 'CREATE FUNCTION other() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;';
  await writeFile(path.join(folder, 'ledger_one.sql'), two);
  await expect(difference('words')).rejects.toThrow('ledger_one.sql');
});
