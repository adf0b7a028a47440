import type { Queryable } from '../../data/database.ts';
import type { Reader } from '../../kernel/access/readers.ts';
import type { Page, PageRequest } from '../../kernel/page.ts';
import { pageOf, readPageRequest, uuidPattern } from '../../kernel/page-cursor.ts';
import type { CollectionRecord, DocumentRecord } from '../knowledge.ts';
import { boundsOf, collectionIsReadable, documentIsReadable } from './read-bounds.ts';

const columns = `d."id", c."name" AS collection, d."source", d."title", d."metadata", d."readers", d."createdAt", d."updatedAt",
  (SELECT count(*)::int FROM "Chunk" k WHERE k."documentId" = d."id" AND NOT k."staged") AS chunks`;
/** One without a hash is being stored for the first time. */
const isThere = `d."contentHash" <> ''`;
const tables = `"Document" d JOIN "Collection" c ON c."id" = d."collectionId"`;
const isReadable = (placed: { names: string; collections: string }): string =>
  `${collectionIsReadable(placed)} AND ${documentIsReadable(placed)}`;

/**
 * The collections that a caller may read, by name, with what it may read in them; or the one of that name.
 */
export async function listCollections(
  database: Queryable,
  reader: Reader,
  name: string | null = null,
): Promise<CollectionRecord[]> {
  const { names, collections } = boundsOf(reader);
  return database.query<CollectionRecord>(
    `SELECT c."id", c."name", c."embedder" AS "embeddingModel", c."dimensions", c."embedderWeight", c."latentChunks",
       c."readers", c."writers",
       (SELECT count(*)::int FROM "Document" d WHERE d."collectionId" = c."id" AND ${isThere}
          AND ${documentIsReadable({ names: '$2' })}) AS documents,
       (SELECT count(*)::int FROM "Chunk" k WHERE k."collectionId" = c."id" AND NOT k."staged")
         - CASE WHEN $2::text[] IS NULL THEN 0 ELSE (SELECT count(*)::int FROM "Document" d JOIN "Chunk" k ON k."documentId" = d."id"
            WHERE d."collectionId" = c."id" AND d."readers" IS NOT NULL AND NOT ${documentIsReadable({ names: '$2' })}
              AND NOT k."staged") END AS chunks,
       CASE WHEN c."nextEmbedder" IS NOT NULL THEN jsonb_build_object(
         'embeddingModel', c."nextEmbedder", 'dimensions', c."nextDimensions", 'problem', c."nextProblem",
         'chunks', (SELECT count(*)::int FROM "ChunkEmbedding" e
                    WHERE e."collectionId" = c."id" AND e."embedder" = c."nextEmbedder")) END AS reembedding
     FROM "Collection" c WHERE ($1::text IS NULL OR c."name" = $1) AND ${collectionIsReadable({ names: '$2', collections: '$3' })}
     ORDER BY c."name"`,
    [name, names, collections],
  );
}

/** Those of the given ids that are there and that the caller may read, in any order. */
export async function readDocuments(
  database: Queryable,
  ids: readonly string[],
  reader: Reader,
): Promise<DocumentRecord[]> {
  const known = ids.filter((id) => uuidPattern.test(id));
  if (known.length === 0) return [];
  const { names, collections } = boundsOf(reader);
  return database.query<DocumentRecord>(
    `SELECT ${columns} FROM ${tables} WHERE d."id" = ANY ($1::uuid[]) AND ${isThere}
       AND ${isReadable({ names: '$2', collections: '$3' })}`,
    [known, names, collections],
  );
}

/** Documents oldest first (ids ascend in time); the cursor is the id. Throws `InvalidInputError` for a bad cursor or size. */
export async function pageDocuments(
  database: Queryable,
  request: PageRequest & { collection?: string | null },
  reader: Reader,
): Promise<Page<DocumentRecord>> {
  const start = readPageRequest(request, uuidPattern);
  const { names, collections } = boundsOf(reader);
  const rows = await database.query<DocumentRecord>(
    `SELECT ${columns} FROM ${tables}
     WHERE ${isThere} AND ($1::text IS NULL OR c."name" = $1) AND ($2::uuid IS NULL OR d."id" > $2)
       AND ${isReadable({ names: '$4', collections: '$5' })}
     ORDER BY d."id" LIMIT $3`,
    [request.collection ?? null, start.after, start.size + 1, names, collections],
  );
  return pageOf(rows, start, ({ id }) => id);
}
