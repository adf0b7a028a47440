import type { Queryable } from '../../data/database.ts';
import type { CollectionRow } from '../collections/collection-row.ts';
import { documentIsReadable, type ReadBounds } from '../collections/read-bounds.ts';
import { createPlaceholders, filterSql } from './filter-sql.ts';
import type { MetadataFilter } from './metadata-filter.ts';

/** What bounds the documents that a search may answer with. */
interface Bounds extends Pick<ReadBounds, 'names'> {
  filter: MetadataFilter | undefined;
}

/** The documents of a collection that a search may answer with, where that is not all. */
export interface SearchScope extends Bounds {
  /** All of them, unless they are many. */
  known?: KnownDocuments;
}

interface KnownDocuments {
  documentIds: string[];
  /** The lengths of all their chunks together, in terms. */
  terms: number;
}

const maxKnown = 5_000;

/** Looks once for the documents that pass, for all that a search does. Undefined: all of the collection's do. */
export async function findScope(
  database: Queryable,
  { id: collectionId, restricted }: CollectionRow,
  bounds: Bounds,
): Promise<SearchScope | undefined> {
  if (!bounds.filter && (bounds.names === null || !restricted)) return undefined;
  const values: unknown[] = [];
  const rows = await database.query<{ id: string; terms: number }>(
    `SELECT d."id", d."termCount" AS terms ${passing(collectionId, bounds, values)} LIMIT ${maxKnown + 1}`,
    values,
  );
  if (rows.length > maxKnown) return bounds;
  const terms = rows.reduce((sum, { terms }) => sum + terms, 0);
  return { ...bounds, known: { documentIds: rows.map(({ id }) => id), terms } };
}

const passing = (collectionId: string, bounds: Bounds, values: unknown[]): string =>
  `FROM "Document" d WHERE d."collectionId" = $${values.push(collectionId)} AND d."contentHash" <> ''
   AND ${conditionSql(bounds, values)}`;

/** On the document `d`. */
function conditionSql({ filter, names }: Bounds, values: unknown[]): string {
  const readable = documentIsReadable({ names: `$${values.push(names)}` });
  if (!filter) return readable;
  return `${readable} AND ${filterSql(filter, 'd."metadata"', createPlaceholders(values))}`;
}

/** The condition that the document `id` (SQL) is within, tested row by row: where most rows are not looked at. */
export function isWithinSql(scope: SearchScope | undefined, id: string, values: unknown[]): string {
  if (!scope) return 'TRUE';
  if (scope.known) return `${id} = ANY ($${values.push(scope.known.documentIds)}::uuid[])`;
  // Not a join: that would let the planner leave the index that the rows come from in order.
  return `(SELECT ${conditionSql(scope, values)} FROM "Document" d WHERE d."id" = ${id})`;
}

/** The same as a join with all documents that pass: where every row is looked at. */
export function isAmongSql(
  scope: SearchScope | undefined,
  id: string,
  { collectionId, values }: { collectionId: string; values: unknown[] },
): string {
  return scope ? `${id} IN (SELECT d."id" ${passing(collectionId, scope, values)})` : 'TRUE';
}
