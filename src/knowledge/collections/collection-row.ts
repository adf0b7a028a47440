import type { Database } from '../../data/database.ts';
import { newId } from '../../data/new-id.ts';
import type { Embedder } from '../../kernel/embedder.ts';
import { DomainError } from '../../kernel/errors.ts';

export interface CollectionRow {
  id: string;
  name: string;
  embedder: string;
  dimensions: number;
  /** Calibrated for this collection; null: the embedder's own. */
  embedderWeight: number | null;
  /** Of the latent space in force; null before the first one. */
  latentGeneration: number | null;
}

const columns = '"id", "name", "embedder", "dimensions", "embedderWeight", "latentGeneration"';

export async function findCollection(
  database: Database,
  name: string,
): Promise<CollectionRow | undefined> {
  const [row] = await database.query<CollectionRow>(
    `SELECT ${columns} FROM "Collection" WHERE "name" = $1`,
    [name],
    { prepared: true },
  );
  return row;
}

/** The collections that can be meant where none is named: those that hold something; when none does, all. */
export async function findUnnamedCollections(database: Database): Promise<CollectionRow[]> {
  const rows = await database.query<CollectionRow & { filled: boolean }>(
    `SELECT ${columns}, EXISTS (SELECT 1 FROM "Document" d WHERE d."collectionId" = c."id" AND d."contentHash" <> '') AS filled
     FROM "Collection" c ORDER BY "name"`,
  );
  const filled = rows.filter((row) => row.filled);
  return filled.length > 0 ? filled : rows;
}

/** The collection of that name, made with this embedder when there is none. */
export async function findOrMakeCollection(
  database: Database,
  name: string,
  embedder: Embedder,
): Promise<CollectionRow> {
  const known = await findCollection(database, name);
  if (known) return known;
  await database.query(
    `INSERT INTO "Collection" ("id", "name", "embedder", "dimensions") VALUES ($1, $2, $3, $4) ON CONFLICT ("name") DO NOTHING`,
    [newId(), name, embedder.name, embedder.dimensions],
  );
  return (await findCollection(database, name))!;
}

/** The error of a search or a change whose collection is not there; names those that are. */
export async function collectionNotFound(
  database: Database,
  name: string | undefined,
): Promise<DomainError> {
  const rows = await database.query<{ name: string }>(
    'SELECT "name" FROM "Collection" ORDER BY "name" LIMIT 20',
  );
  const known = rows.map((each) => `"${each.name}"`);
  const there = known.length > 0 ? `There are: ${known.join(', ')}.` : 'There are none yet.';
  const what =
    name === undefined
      ? `Name the collection, or ingest into one called "default". ${there}`
      : `There is no collection "${name}"; ingest into it to make it. ${there}`;
  return new DomainError('COLLECTION_NOT_FOUND', what);
}
