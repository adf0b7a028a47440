import type { Queryable } from '../data/database.ts';
import { createPlaceholders, filterSql } from './filter-sql.ts';
import type { MetadataFilter } from './metadata-filter.ts';

/** The documents that a search with a filter may answer with: known one by one, unless they are many. */
export type SearchScope = KnownDocuments | { filter: MetadataFilter };

export interface KnownDocuments {
  documentIds: string[];
  /** The lengths of all their chunks together, in terms. */
  terms: number;
}

/** Up to so many passing documents are named in the statements that follow, which needn't look at their metadata again. */
const mostKnown = 5_000;
/** Which documents of a collection pass its filter: found once for all that a search does. */
export async function findScope(
  database: Queryable,
  collectionId: string,
  filter: MetadataFilter,
): Promise<SearchScope> {
  const values: unknown[] = [collectionId];
  const condition = filterSql(filter, '"metadata"', createPlaceholders(values));
  const rows = await database.query<{ id: string; terms: number }>(
    `SELECT "id", "termCount" AS terms FROM "Document"
     WHERE "collectionId" = $1 AND "contentHash" <> '' AND ${condition} LIMIT ${mostKnown + 1}`,
    values,
  );
  if (rows.length > mostKnown) return { filter };
  return {
    documentIds: rows.map(({ id }) => id),
    terms: rows.reduce((sum, { terms }) => sum + terms, 0),
  };
}

/** The condition that the document `documentId` (SQL) is within; always true without a scope. Adds to `values`. */
export function scopeSql(
  scope: SearchScope | undefined,
  documentId: string,
  values: unknown[],
): string {
  if (!scope) return 'TRUE';
  if ('documentIds' in scope)
    return `${documentId} = ANY ($${values.push(scope.documentIds)}::uuid[])`;
  // Not a join: that would let the planner leave the index that the rows come from in order.
  const condition = filterSql(scope.filter, 'd."metadata"', createPlaceholders(values));
  return `(SELECT ${condition} FROM "Document" d WHERE d."id" = ${documentId})`;
}
