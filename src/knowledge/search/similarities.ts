import { toSql } from 'pgvector';
import type { Queryable } from '../../data/database.ts';
import { latentEmbedder } from '../latent/latent-index.ts';
import type { RankedChunk } from './keyword-ranking.ts';

/** A question as a collection's vectors know it. */
export interface QuestionVectors {
  embedder: string;
  /** What the embedder made of it. */
  vector: number[];
  latent: LatentQuestion | undefined;
}

/** A question in a collection's latent space. */
export interface LatentQuestion {
  collectionId: string;
  generation: number;
  terms: string[];
}

/** How near chunks lie to a question, by each measure; a chunk is absent where it has no vector or the question none. */
export interface Similarities {
  dense: RankedChunk[];
  latent: RankedChunk[];
}

/**
 * A distance in SQL as a similarity: the cosine. Nothing is near a text without a word, whose vector is all zero: pgvector
 * answers NaN, which would come before everything.
 */
export const cosineSql = (distance: string): string =>
  `COALESCE(1 - NULLIF(${distance}, 'NaN'), 0)`;

const statement = `
WITH question AS (
  SELECT sum(known."vector") AS vector FROM unnest($6::text[]) AS asked (term) CROSS JOIN LATERAL (
    SELECT "vector" FROM "LatentTerm"
    WHERE "collectionId" = $4 AND "generation" = $5 AND "term" = asked.term OFFSET 0) known
)
SELECT c."chunkId",
  CASE WHEN e."embedding" IS NOT NULL THEN ${cosineSql('e."embedding" <=> $1::vector')} END AS dense,
  CASE WHEN vector_norm(q.vector) > 0 AND vector_norm(l."embedding") > 0 THEN 1 - (l."embedding" <=> q.vector) END AS latent
FROM question q CROSS JOIN unnest($3::uuid[]) AS c ("chunkId")
LEFT JOIN LATERAL (
  SELECT "embedding" FROM "ChunkEmbedding" WHERE "chunkId" = c."chunkId" AND "embedder" = $2 OFFSET 0) e ON TRUE
LEFT JOIN LATERAL (
  SELECT "embedding" FROM "ChunkEmbedding" WHERE "chunkId" = c."chunkId" AND "embedder" = $7 OFFSET 0) l ON TRUE`;

interface Row {
  chunkId: string;
  dense: number | null;
  latent: number | null;
}

/** Compares each given chunk with the question: also those that only their words, or only their vector, brought up. */
export async function similaritiesOf(
  database: Queryable,
  chunkIds: readonly string[],
  { embedder, vector, latent }: QuestionVectors,
): Promise<Similarities> {
  if (chunkIds.length === 0) return { dense: [], latent: [] };
  const rows = await database.query<Row>(
    statement,
    [
      toSql(vector),
      embedder,
      chunkIds,
      latent?.collectionId,
      latent?.generation,
      latent?.terms ?? [],
      latent && latentEmbedder(latent.generation),
    ],
    { prepared: true },
  );
  const scored = (measure: 'dense' | 'latent'): RankedChunk[] =>
    rows.flatMap(({ chunkId, [measure]: score }) => (score === null ? [] : [{ chunkId, score }]));
  return { dense: scored('dense'), latent: scored('latent') };
}
