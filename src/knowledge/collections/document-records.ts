import type { Queryable } from '../../data/database.ts';
import type { Page, PageRequest } from '../../kernel/page.ts';
import { pageOf, readPageRequest, uuidPattern } from '../../kernel/page-cursor.ts';
import type { CollectionRecord, DocumentRecord } from '../knowledge.ts';

const columns = `d."id", c."name" AS collection, d."source", d."title", d."metadata", d."createdAt", d."updatedAt",
  (SELECT count(*)::int FROM "Chunk" k WHERE k."documentId" = d."id" AND NOT k."staged") AS chunks`;
/** One without a hash is being stored for the first time. */
const isThere = `d."contentHash" <> ''`;
const tables = `"Document" d JOIN "Collection" c ON c."id" = d."collectionId"`;

/** All collections by name, with what they hold; or the one of that name. */
export async function listCollections(
  database: Queryable,
  name: string | null = null,
): Promise<CollectionRecord[]> {
  return database.query<CollectionRecord>(
    `SELECT c."id", c."name", c."embedder" AS "embeddingModel", c."dimensions", c."embedderWeight", c."latentChunks",
       (SELECT count(*)::int FROM "Document" d WHERE d."collectionId" = c."id" AND ${isThere}) AS documents,
       (SELECT count(*)::int FROM "Chunk" k WHERE k."collectionId" = c."id" AND NOT k."staged") AS chunks,
       CASE WHEN c."nextEmbedder" IS NOT NULL THEN jsonb_build_object(
         'embeddingModel', c."nextEmbedder", 'dimensions', c."nextDimensions", 'problem', c."nextProblem",
         'chunks', (SELECT count(*)::int FROM "ChunkEmbedding" e
                    WHERE e."collectionId" = c."id" AND e."embedder" = c."nextEmbedder")) END AS reembedding
     FROM "Collection" c WHERE $1::text IS NULL OR c."name" = $1 ORDER BY c."name"`,
    [name],
  );
}

/** The documents of the given ids, in any order; what is not there is left out. */
export async function readDocuments(
  database: Queryable,
  ids: readonly string[],
): Promise<DocumentRecord[]> {
  const known = ids.filter((id) => uuidPattern.test(id));
  if (known.length === 0) return [];
  return database.query<DocumentRecord>(
    `SELECT ${columns} FROM ${tables} WHERE d."id" = ANY ($1::uuid[]) AND ${isThere}`,
    [known],
  );
}

/** Documents oldest first (ids ascend in time); the cursor is the id. Throws `InvalidInputError` for a bad cursor or size. */
export async function pageDocuments(
  database: Queryable,
  request: PageRequest & { collection?: string | null },
): Promise<Page<DocumentRecord>> {
  const start = readPageRequest(request, uuidPattern);
  const rows = await database.query<DocumentRecord>(
    `SELECT ${columns} FROM ${tables}
     WHERE ${isThere} AND ($1::text IS NULL OR c."name" = $1) AND ($2::uuid IS NULL OR d."id" > $2)
     ORDER BY d."id" LIMIT $3`,
    [request.collection ?? null, start.after, start.size + 1],
  );
  return pageOf(rows, start, ({ id }) => id);
}
