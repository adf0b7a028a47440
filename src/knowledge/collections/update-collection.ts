import type { Database } from '../../data/database.ts';
import type { Embedder } from '../../kernel/embedder.ts';
import { DomainError } from '../../kernel/errors.ts';
import type { CollectionChange } from '../knowledge.ts';
import type { CollectionRow } from './collection-row.ts';

/**
 * Writes what changes into the collection's row. Rejects with EMBEDDING_UNAVAILABLE when the new embedder is not among
 * the embedders.
 */
export async function updateCollection(
  database: Database,
  collection: CollectionRow,
  {
    change,
    embedders,
    userId,
  }: {
    change: CollectionChange;
    embedders: ReadonlyMap<string, Embedder>;
    userId: string;
  },
): Promise<void> {
  const { embeddingModel, embedderWeight, readers, writers } = change;
  if (embeddingModel !== undefined) {
    const embedder = embedders.get(embeddingModel);
    if (!embedder) throw unknownEmbedder(embeddingModel, embedders);
    await setNextEmbedder(database, collection.id, { embedder, userId });
  }
  await database.prisma.collection.updateMany({
    where: { id: collection.id },
    data: {
      ...(embedderWeight !== undefined && { embedderWeight }),
      ...(readers && { readers: [...new Set(readers)] }),
      ...(writers && { writers: [...new Set(writers)] }),
    },
  });
}

/** Vectors of an embedder that was to take over, and no longer is, are stale; asking again for the same changes nothing. */
async function setNextEmbedder(
  database: Database,
  collectionId: string,
  { embedder, userId }: { embedder: Embedder; userId: string },
): Promise<void> {
  await database.query(
    `UPDATE "Collection" SET
       "nextEmbedder" = CASE WHEN "embedder" = $2 THEN NULL ELSE $2 END,
       "nextDimensions" = CASE WHEN "embedder" = $2 THEN NULL ELSE $3::int END,
       "nextRequestedBy" = CASE WHEN "embedder" = $2 THEN NULL ELSE $4 END,
       "nextProblem" = NULL,
       "reembedLeaseUntil" = CASE WHEN "nextProblem" IS NULL THEN "reembedLeaseUntil" END,
       "staleVectors" = "staleVectors" OR "nextEmbedder" IS NOT NULL
     WHERE "id" = $1 AND "nextEmbedder" IS DISTINCT FROM $2
       AND ("embedder" <> $2 OR "nextEmbedder" IS NOT NULL)`,
    [collectionId, embedder.name, embedder.dimensions, userId],
  );
}

function unknownEmbedder(name: string, embedders: ReadonlyMap<string, Embedder>): DomainError {
  const known = [...embedders.keys()].map((each) => `"${each}"`).join(', ');
  return new DomainError(
    'EMBEDDING_UNAVAILABLE',
    `There is no embedder "${name}" here; there are ${known}. Add it to TESSERA_EMBEDDER, behind the one of new collections.`,
    { retryable: false },
  );
}
