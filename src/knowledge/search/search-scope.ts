import type { Queryable } from '../../data/database.ts';
import { createPlaceholders, filterSql } from './filter-sql.ts';
import type { MetadataFilter } from './metadata-filter.ts';

/** The documents that a search with a filter may answer with. */
export interface SearchScope {
  filter: MetadataFilter;
  /** All of them, unless they are many. */
  known?: KnownDocuments;
}

interface KnownDocuments {
  documentIds: string[];
  /** The lengths of all their chunks together, in terms. */
  terms: number;
}

const maxKnown = 5_000;

/** Looks once for the documents that pass, for all that a search does. */
export async function findScope(
  database: Queryable,
  collectionId: string,
  filter: MetadataFilter,
): Promise<SearchScope> {
  const values: unknown[] = [];
  const rows = await database.query<{ id: string; terms: number }>(
    `SELECT d."id", d."termCount" AS terms ${passing(collectionId, filter, values)} LIMIT ${maxKnown + 1}`,
    values,
  );
  if (rows.length > maxKnown) return { filter };
  const terms = rows.reduce((sum, { terms }) => sum + terms, 0);
  return { filter, known: { documentIds: rows.map(({ id }) => id), terms } };
}

const passing = (collectionId: string, filter: MetadataFilter, values: unknown[]): string =>
  `FROM "Document" d WHERE d."collectionId" = $${values.push(collectionId)} AND d."contentHash" <> ''
   AND ${filterSql(filter, 'd."metadata"', createPlaceholders(values))}`;

/** The condition that the document `id` (SQL) is within, tested row by row: where most rows are not looked at. */
export function isWithinSql(scope: SearchScope | undefined, id: string, values: unknown[]): string {
  if (!scope) return 'TRUE';
  if (scope.known) return `${id} = ANY ($${values.push(scope.known.documentIds)}::uuid[])`;
  // Not a join: that would let the planner leave the index that the rows come from in order.
  const condition = filterSql(scope.filter, 'd."metadata"', createPlaceholders(values));
  return `(SELECT ${condition} FROM "Document" d WHERE d."id" = ${id})`;
}

/** The same as a join with all documents that pass: where every row is looked at. */
export function isAmongSql(
  scope: SearchScope | undefined,
  id: string,
  { collectionId, values }: { collectionId: string; values: unknown[] },
): string {
  return scope ? `${id} IN (SELECT d."id" ${passing(collectionId, scope.filter, values)})` : 'TRUE';
}
