import type { Database } from '../../data/database.ts';
import { newId } from '../../data/new-id.ts';
import { everything, type Reader, userName } from '../../kernel/access/readers.ts';
import type { Embedder } from '../../kernel/embedder.ts';
import { DomainError } from '../../kernel/errors.ts';
import { checkMayMake, checkMayWrite } from './collection-rights.ts';
import {
  boundsOf,
  collectionIsReadable,
  documentIsReadable,
  type ReadBounds,
} from './read-bounds.ts';

export interface CollectionRow {
  id: string;
  name: string;
  embedder: string;
  dimensions: number;
  /** Calibrated for this collection; null: the embedder's own. */
  embedderWeight: number | null;
  /** Of the latent space in force; null before the first one. */
  latentGeneration: number | null;
  readers: string[];
  writers: string[];
  /** Has it documents with readers of their own? */
  restricted: boolean;
}

const columns = `c."id", c."name", c."embedder", c."dimensions", c."embedderWeight", c."latentGeneration", c."readers", c."writers",
  EXISTS (SELECT 1 FROM "Document" d WHERE d."collectionId" = c."id" AND d."readers" IS NOT NULL) AS restricted`;

/** The collection of that name, whoever may read it. */
export async function findCollection(
  database: Database,
  name: string,
): Promise<CollectionRow | undefined> {
  return findReadableCollection(database, name, boundsOf(everything));
}

/** The collection of that name, if it is within the bounds. */
export async function findReadableCollection(
  database: Database,
  name: string,
  { names, collections }: ReadBounds,
): Promise<CollectionRow | undefined> {
  const [row] = await database.query<CollectionRow>(
    `SELECT ${columns} FROM "Collection" c WHERE c."name" = $1 AND ${collectionIsReadable({ names: '$2', collections: '$3' })}`,
    [name, names, collections],
    { prepared: true },
  );
  return row;
}

/**
 * The collections that can be meant where none is named: those that hold something within the bounds; when none does, all
 * that are.
 */
export async function findUnnamedCollections(
  database: Database,
  { names, collections }: ReadBounds,
): Promise<CollectionRow[]> {
  const rows = await database.query<CollectionRow & { filled: boolean }>(
    `SELECT ${columns}, EXISTS (SELECT 1 FROM "Document" d WHERE d."collectionId" = c."id" AND d."contentHash" <> ''
       AND ${documentIsReadable({ names: '$1' })}) AS filled
     FROM "Collection" c WHERE ${collectionIsReadable({ names: '$1', collections: '$2' })} ORDER BY c."name"`,
    [names, collections],
  );
  const filled = rows.filter((row) => row.filled);
  return filled.length > 0 ? filled : rows;
}

interface NewCollection {
  name: string;
  embedder: Embedder;
  /** Its maker reads it. */
  by: Reader;
  /** Beside its maker. */
  readers: readonly string[];
}

/** The collection of that name, made when there is none. Rejects with FORBIDDEN for a caller who may not write. */
export async function findOrMakeCollection(
  database: Database,
  { name, embedder, by, readers }: NewCollection,
): Promise<CollectionRow> {
  const known = await findCollection(database, name);
  if (!known) {
    checkMayMake(name, by);
    await database.query(
      `INSERT INTO "Collection" ("id", "name", "embedder", "dimensions", "readers") VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT ("name") DO NOTHING`,
      [newId(), name, embedder.name, embedder.dimensions, [...new Set([userName(by), ...readers])]],
    );
  }
  const collection = known ?? (await findCollection(database, name))!;
  checkMayWrite(collection, by);
  return collection;
}

/** The error of a search or a change whose collection is not there for the caller; names those that are. */
export async function collectionNotFound(
  database: Database,
  name: string | undefined,
  reader: Reader,
): Promise<DomainError> {
  const { names, collections } = boundsOf(reader);
  const readable = collectionIsReadable({ names: '$1', collections: '$2' });
  const rows = await database.query<{ name: string }>(
    `SELECT c."name" FROM "Collection" c WHERE ${readable} ORDER BY c."name" LIMIT 20`,
    [names, collections],
  );
  const known = rows.map((each) => `"${each.name}"`);
  const there =
    known.length > 0 ? `You can read: ${known.join(', ')}.` : 'There is none that you can read.';
  const what =
    name === undefined
      ? `Name the collection, or ingest into one called "default". ${there}`
      : `There is no collection "${name}" that you can read: ask its maker to name you or a group of yours among its readers, or ingest into it to make it. ${there}`;
  return new DomainError('COLLECTION_NOT_FOUND', what);
}
