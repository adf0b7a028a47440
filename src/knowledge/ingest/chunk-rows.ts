import { toSql } from 'pgvector';
import type { Queryable } from '../../data/database.ts';
import { newId } from '../../data/new-id.ts';
import { indexVersion } from '../terms/index-text.ts';
import { countedTerms, insertPostings } from './chunk-postings.ts';
import type { PreparedChunk, PreparedDocument } from './prepare-document.ts';

/** Vectors by the chunk's content hash. */
export type Vectors = ReadonlyMap<string, number[]>;

/** Where chunks are stored, and what is stored with them. */
export interface ChunkTarget {
  collectionId: string;
  embedder: string;
  vectors: Vectors;
}

/** A chunk to be stored has no vector yet: another ingest changed the document after we looked. Embed, then try again. */
export class VectorsMissing extends Error {}

export interface ChunkRow {
  id: string;
  documentId: string;
  ordinal: number;
  startOffset: number;
  endOffset: number;
  contentHash: string;
  embedded: boolean;
}

type AddedChunk = PreparedChunk & { id: string; documentId: string; ordinal: number };
type MovedChunk = Pick<ChunkRow, 'id' | 'ordinal' | 'startOffset' | 'endOffset'>;
type EmbeddedChunk = Pick<ChunkRow, 'id' | 'documentId' | 'contentHash'>;

/** From the chunks that documents have to those that they are to have. */
export interface ChunkChanges {
  removed: string[];
  moved: MovedChunk[];
  added: AddedChunk[];
  /** Kept chunks that lack a vector of this embedder. */
  unembedded: EmbeddedChunk[];
}

/** The chunks that are part of the documents. */
export async function readChunks(
  database: Queryable,
  documentIds: string[],
  embedder: string,
): Promise<ChunkRow[]> {
  return database.query<ChunkRow>(
    `SELECT c."id", c."documentId", c."ordinal", c."startOffset", c."endOffset", c."contentHash",
       e."chunkId" IS NOT NULL AS embedded
     FROM "Chunk" c LEFT JOIN "ChunkEmbedding" e ON e."chunkId" = c."id" AND e."embedder" = $2
     WHERE c."documentId" = ANY ($1::uuid[]) AND NOT c."staged" ORDER BY c."documentId", c."ordinal"`,
    [documentIds, embedder],
  );
}

/** Chunks whose content hash was there before keep their row. */
export function collectChanges(
  documents: readonly PreparedDocument[],
  idOf: (source: string) => string,
  before: readonly ChunkRow[],
): ChunkChanges {
  const changes: ChunkChanges = { removed: [], moved: [], added: [], unembedded: [] };
  const reusable = Map.groupBy(before, (row) => `${row.documentId} ${row.contentHash}`);
  for (const document of documents) {
    const documentId = idOf(document.source);
    document.chunks.forEach((chunk, ordinal) => {
      const kept = reusable.get(`${documentId} ${chunk.contentHash}`)?.shift();
      const place = { ordinal, startOffset: chunk.startOffset, endOffset: chunk.endOffset };
      if (!kept) changes.added.push({ ...chunk, ...place, id: newId(), documentId });
      else {
        if (kept.ordinal !== ordinal || kept.startOffset !== chunk.startOffset)
          changes.moved.push({ ...place, id: kept.id });
        if (!kept.embedded) changes.unembedded.push(kept);
      }
    });
  }
  changes.removed = [...reusable.values()].flat().map(({ id }) => id);
  return changes;
}

/** Inserts chunks with their postings and vectors. Throws `VectorsMissing`. */
export async function addChunks(
  transaction: Queryable,
  chunks: readonly AddedChunk[],
  target: ChunkTarget & { staged: boolean },
): Promise<void> {
  if (chunks.length === 0) return;
  const vectors = vectorRows(chunks, target);
  const { collectionId, staged } = target;
  await transaction.query(insertChunks, [collectionId, JSON.stringify(chunks), staged]);
  await insertVectors(transaction, vectors, target);
}

/** Gives chunks the vectors that they lack. Throws `VectorsMissing`. */
export async function addVectors(
  transaction: Queryable,
  chunks: readonly EmbeddedChunk[],
  target: ChunkTarget,
): Promise<void> {
  if (chunks.length > 0) await insertVectors(transaction, vectorRows(chunks, target), target);
}

export async function moveChunks(
  transaction: Queryable,
  chunks: readonly MovedChunk[],
): Promise<void> {
  if (chunks.length > 0) await transaction.query(updatePlaces, [JSON.stringify(chunks)]);
}

interface VectorRow {
  id: string;
  documentId: string;
  embedding: string;
}

const vectorRows = (chunks: readonly EmbeddedChunk[], { vectors }: ChunkTarget): VectorRow[] =>
  chunks.map(({ id, documentId, contentHash }) => {
    const vector = vectors.get(contentHash);
    if (!vector) throw new VectorsMissing();
    return { id, documentId, embedding: toSql(vector) as string };
  });

async function insertVectors(
  transaction: Queryable,
  vectors: readonly VectorRow[],
  { embedder, collectionId }: ChunkTarget,
): Promise<void> {
  await transaction.query(
    `INSERT INTO "ChunkEmbedding" ("chunkId", "embedder", "collectionId", "documentId", "embedding", "awaitsIndex")
     SELECT id, $1, $2, document, embedding::vector, true
     FROM unnest($3::uuid[], $4::uuid[], $5::text[]) AS input (id, document, embedding)
     ON CONFLICT DO NOTHING`,
    [
      embedder,
      collectionId,
      vectors.map(({ id }) => id),
      vectors.map(({ documentId }) => documentId),
      vectors.map(({ embedding }) => embedding),
    ],
  );
}

const updatePlaces = `
UPDATE "Chunk" c SET "ordinal" = i."ordinal", "startOffset" = i."startOffset", "endOffset" = i."endOffset"
FROM jsonb_to_recordset($1::jsonb) AS i ("id" uuid, "ordinal" int, "startOffset" int, "endOffset" int)
WHERE c."id" = i."id"`;

/** Chunks and their postings in one statement: the terms of a text are counted once, where the stemmer is. */
const insertChunks = `
WITH input AS MATERIALIZED (
  SELECT * FROM jsonb_to_recordset($2::jsonb) AS i ("id" uuid, "documentId" uuid, "ordinal" int, "content" text,
    "headingPath" jsonb, "startOffset" int, "endOffset" int, "contentHash" text, "indexText" jsonb, "headingIndexText" jsonb)
), ${countedTerms}, chunk AS (
  INSERT INTO "Chunk" ("id", "collectionId", "documentId", "ordinal", "content", "headingPath", "startOffset", "endOffset", "contentHash", "termCount", "indexVersion", "staged")
  SELECT i."id", $1, i."documentId", i."ordinal", i."content", ARRAY (SELECT jsonb_array_elements_text(i."headingPath")),
    i."startOffset", i."endOffset", i."contentHash", COALESCE(l.terms, 0), ${indexVersion}, $3
  FROM input i LEFT JOIN length l USING ("id")
)
${insertPostings}`;
