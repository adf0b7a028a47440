import { validate } from 'uuid';
import type { Queryable } from '../data/database.ts';
import { DomainError } from '../kernel/errors.ts';
import type { PromptVersionRecord } from './prompts.ts';

const selectVersions = `
  SELECT v."id", v."promptId", p."name" AS "promptName", v."number", v."template", v."system",
         v."model", v."maxTokens", v."outputFields", v."notes", v."createdAt", v."createdBy"
  FROM "PromptVersion" v JOIN "Prompt" p ON p."id" = v."promptId"`;

/** Versions by a condition in SQL over `v` (the version) and `p` (its prompt). */
export const selectVersionsWhere = (
  database: Queryable,
  condition: string,
  values: readonly unknown[],
): Promise<PromptVersionRecord[]> =>
  database.query<PromptVersionRecord>(`${selectVersions} WHERE ${condition}`, values);

/** Postgres takes no U+0000 in text: such a name is nobody's. */
export const isStorable = (text: string): boolean => !text.includes('\0');

/** Each key's row, or null: in the order and number of the keys, which need not be well-formed ids. */
export async function byKey<Row>(
  keys: readonly string[],
  read: (known: string[]) => Promise<Row[]>,
  keyOf: (row: Row) => string,
): Promise<(Row | null)[]> {
  const known = [...new Set(keys)].filter(isStorable);
  const rows = known.length > 0 ? await read(known) : [];
  const found = new Map(rows.map((row) => [keyOf(row), row]));
  return keys.map((key) => found.get(key) ?? null);
}

export const byId = <Row extends { id: string }>(
  ids: readonly string[],
  read: (known: string[]) => Promise<Row[]>,
): Promise<(Row | null)[]> =>
  byKey(
    ids.map((id) => (validate(id) ? id : '\0')),
    read,
    (row) => row.id,
  );

export const promptNotFound = (name: string, why?: string): DomainError<'PROMPT_NOT_FOUND'> =>
  new DomainError(
    'PROMPT_NOT_FOUND',
    why ?? `There is no prompt "${name}". The query "prompts" lists those there are.`,
  );

export const versionNotFound = (name: string, number: number): DomainError<'NOT_FOUND'> =>
  new DomainError('NOT_FOUND', `The prompt "${name}" has no version ${number}.`);

/** The SQLSTATE of a driver's error: "23505" for a unique violation. */
export const sqlState = (error: unknown): string | null =>
  error instanceof Error && 'code' in error ? String(error.code) : null;
