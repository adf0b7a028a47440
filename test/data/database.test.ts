import { randomUUID } from 'node:crypto';
import { toSql } from 'pgvector';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../src/data/database.ts';
import { newId } from '../../src/data/new-id.ts';
import { openTestDatabase } from '../support/test-database.ts';

let database: Database;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

const insertBudget = `INSERT INTO "Budget" ("id", "subject", "period", "limit") VALUES ($1, $2, 'DAILY', $3)`;
const budgets = (id: string): Promise<number> => database.prisma.budget.count({ where: { id } });

describe('values', () => {
  test('numerics are exact strings, int8 is a string, timestamps are dates, json is parsed', async () => {
    const [row] = await database.query(
      `SELECT $1::numeric AS amount, ARRAY[0.1, 0.12345678901234567890]::numeric[] AS amounts,
              9007199254740993::int8 AS big, timestamptz '2026-01-02 03:04:05.678+00' AS at,
              '{"a": [1]}'::jsonb AS json, '[1,2.5]'::vector AS vector, COUNT(*)::int AS count,
              NULL::text AS nothing, ARRAY['a', 'b,"c'] AS texts`,
      ['123456789012.000000000001'],
    );
    expect(row).toEqual({
      amount: '123456789012.000000000001',
      amounts: ['0.1', '0.12345678901234567890'],
      big: '9007199254740993',
      at: new Date('2026-01-02T03:04:05.678Z'),
      json: { a: [1] },
      vector: '[1,2.5]',
      count: 1,
      nothing: null,
      texts: ['a', 'b,"c'],
    });
  });

  test('Prisma sees what SQL wrote, and SQL what Prisma wrote, to the last digit', async () => {
    const id = newId();
    const limit = '12345678901.000000000001';
    await database.query(insertBudget, [id, 'exact', limit]);
    const budget = await database.prisma.budget.findUniqueOrThrow({ where: { id } });
    expect(budget.limit.toFixed()).toBe(limit);
    const updatedAt = new Date('2026-05-06T07:08:09.123Z');
    await database.prisma.budget.update({
      where: { id },
      data: { limit: `2${limit}`, updatedAt },
    });
    expect(
      await database.query(`SELECT "limit", "updatedAt" FROM "Budget" WHERE "id" = $1`, [id]),
    ).toEqual([{ limit: `2${limit}`, updatedAt }]);
  });

  test('vectors come back as they went in, and are ordered by distance', async () => {
    const near = Array.from({ length: 512 }, (_, index) => Math.fround(Math.sin(index)));
    const far = near.map((value) => -value);
    const rows = await database.query<{ name: string; embedding: string }>(
      `SELECT * FROM (VALUES ('far', $1::vector), ('near', $2::vector)) AS stored(name, embedding)
       ORDER BY embedding <=> $2::vector`,
      [toSql(far), toSql(near)],
    );
    expect(rows.map(({ name }) => name)).toEqual(['near', 'far']);
    expect(JSON.parse(rows[0]!.embedding).map(Math.fround)).toEqual(near);
  });

  test('an answer of several megabytes arrives whole', async () => {
    const rows = await database.query<{ n: number; text: string }>(
      `SELECT n, repeat(chr(65 + n % 26), 200) AS text FROM generate_series(1, 20000) AS n`,
    );
    expect(rows).toHaveLength(20_000);
    expect(rows[19_999]).toEqual({ n: 20_000, text: 'G'.repeat(200) });
  });
});

describe('statements', () => {
  test('reject with the SQLSTATE, and the next one works', async () => {
    await expect(database.query('SELECT 1 / 0')).rejects.toMatchObject({ code: '22012' });
    await expect(database.query('SELEC 1')).rejects.toMatchObject({ code: '42601' });
    expect(await database.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  test('of many callers at once get their own answers', async () => {
    const numbers = Array.from({ length: 200 }, (_, index) => index);
    const answers = await Promise.all(
      numbers.map((number) => database.query('SELECT $1::int AS number', [number])),
    );
    expect(answers).toEqual(numbers.map((number) => [{ number }]));
  });
});

describe('prepared statements', () => {
  const text = 'SELECT $1::int / $2::int AS quotient';
  const divide = (by: number) => database.query(text, [12, by], { prepared: true });

  test('answer as any others, also after a failure, and are kept by the embedded database alone', async () => {
    expect(await divide(3)).toEqual([{ quotient: 4 }]);
    await expect(divide(0)).rejects.toMatchObject({ code: '22012' });
    for (let by = 1; by <= 6; by++)
      expect(await divide(by)).toEqual([{ quotient: Math.trunc(12 / by) }]);
    const inTransaction = await database.transaction((transaction) =>
      transaction.query(text, [12, 12], { prepared: true }),
    );
    expect(inTransaction).toEqual([{ quotient: 1 }]);
    const [kept] = await database.query(
      'SELECT count(*)::int AS statements FROM pg_prepared_statements WHERE statement = $1',
      [text],
    );
    expect(kept).toEqual({ statements: database.kind === 'embedded' ? 1 : 0 });
  });
});

describe('transactions', () => {
  test('have settings of their own', async () => {
    const setting = `SELECT current_setting('work_mem') AS work, current_setting('jit') AS jit`;
    const [before] = await database.query(setting);
    const [within] = await database.transaction((transaction) => transaction.query(setting), {
      work_mem: '3MB',
      jit: 'off',
    });
    expect(within).toEqual({ work: '3MB', jit: 'off' });
    expect(await database.query(setting)).toEqual([before]);
  });

  test('commit what they wrote and answer what the work answers', async () => {
    const id = newId();
    const rows = await database.transaction((transaction) =>
      transaction.query(`${insertBudget} RETURNING "subject"`, [id, 'commit', '1']),
    );
    expect(rows).toEqual([{ subject: 'commit' }]);
    expect(await budgets(id)).toBe(1);
  });

  test('roll back when the work throws', async () => {
    const id = newId();
    const failed = database.transaction(async (transaction) => {
      await transaction.query(insertBudget, [id, 'rollback', '1']);
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    expect(await budgets(id)).toBe(0);
  });

  test('report a statement whose failure the work swallowed', async () => {
    const id = newId();
    const failed = database.transaction(async (transaction) => {
      await transaction.query(insertBudget, [id, 'swallowed', '1']);
      await transaction.query('SELECT 1 / 0').catch(() => undefined);
    });
    await expect(failed).rejects.toThrow(/rolled back/);
    expect(await budgets(id)).toBe(0);
  });

  test("report a COMMIT that fails, their own as Prisma's", async () => {
    await database.query(`CREATE TABLE parent (id int PRIMARY KEY)`);
    await database.query(
      `CREATE TABLE child (parent int REFERENCES parent DEFERRABLE INITIALLY DEFERRED)`,
    );
    const orphan = 'INSERT INTO child VALUES (7)';
    await expect(
      database.transaction((transaction) => transaction.query(orphan)),
    ).rejects.toMatchObject({ code: '23503' });
    await expect(
      database.prisma.$transaction((transaction) => transaction.$executeRawUnsafe(orphan)),
    ).rejects.toThrow();
    expect(await database.query('SELECT * FROM child')).toEqual([]);
  });

  test('are tried again after a serialization failure, three times', async () => {
    const raise = `DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$`;
    const id = newId();
    let attempts = 0;
    await database.transaction(async (transaction) => {
      attempts += 1;
      await transaction.query(insertBudget, [id, `attempt ${attempts}`, '1']);
      if (attempts < 4) await transaction.query(raise);
    });
    expect(await database.query(`SELECT "subject" FROM "Budget" WHERE "id" = $1`, [id])).toEqual([
      { subject: 'attempt 4' },
    ]);
    attempts = 0;
    const hopeless = database.transaction(async (transaction) => {
      attempts += 1;
      await transaction.query(raise);
    });
    await expect(hopeless).rejects.toMatchObject({ code: '40001' });
    expect(attempts).toBe(4);
  });

  test('of many callers take their turns with Prisma and single statements', async () => {
    const subject = randomUUID();
    await database.query(insertBudget, [newId(), subject, '0']);
    const increment = `UPDATE "Budget" SET "limit" = "limit" + 1 WHERE "subject" = $1`;
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        if (index % 2 === 0) {
          await database.transaction((transaction) => transaction.query(increment, [subject]));
        } else {
          await database.prisma.$transaction((transaction) =>
            transaction.budget.updateMany({
              where: { subject },
              data: { limit: { increment: 1 } },
            }),
          );
        }
        await database.query(increment, [subject]);
      }),
    );
    const [row] = await database.query<{ limit: string }>(
      `SELECT "limit" FROM "Budget" WHERE "subject" = $1`,
      [subject],
    );
    expect(Number(row?.limit)).toBe(40);
  });
});
