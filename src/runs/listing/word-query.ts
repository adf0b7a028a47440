import type { Queryable } from '../../data/database.ts';
import { InvalidInputError } from '../../kernel/invalid-input-error.ts';
import type { SqlValues } from './sql-values.ts';

const maxWords = 32;

/** A `tsquery` for all words of a text. Throws `InvalidInputError` for one without a word. */
export async function wordQuery(
  database: Queryable,
  text: string,
  sql: SqlValues,
): Promise<string> {
  const words = text.trim().split(/\s+/).slice(0, maxWords);
  const [row] = await database.query<{ nodes: number }>(
    `SELECT ${words.map((_, index) => `numnode(run_word_query($${index + 1}))`).join(' + ')} AS nodes`,
    words,
  );
  if (row!.nodes === 0) throw new InvalidInputError('"text" holds no word to look for');
  return `(${words.map((word) => `run_word_query(${sql.of(word)})`).join(' && ')})`;
}
