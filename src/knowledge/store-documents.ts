import { toSql } from 'pgvector';
import type { Queryable } from '../data/database.ts';
import { newId } from '../data/new-id.ts';
import type { PreparedChunk, PreparedDocument } from './prepare-document.ts';

/** Vectors by the chunk's content hash. */
export type Vectors = ReadonlyMap<string, number[]>;

export interface StoredDocument {
  id: string;
  source: string;
  outcome: 'created' | 'updated' | 'unchanged';
  /** At most so many of its chunks were written. */
  written: number;
}

/** A chunk to be stored has no vector yet: another ingest changed the document after we looked. Embed, then try again. */
export class VectorsMissing extends Error {}

/** The collection has another embedder by now than the one whose vectors were to be stored. */
export class EmbedderChanged extends Error {
  readonly embedder: string;

  constructor(embedder: string) {
    super(`the collection is embedded by ${embedder} now`);
    this.embedder = embedder;
  }
}

interface Target {
  collectionId: string;
  embedder: string;
  vectors: Vectors;
}

interface LockedRow {
  id: string;
  source: string;
  contentHash: string;
}

interface ChunkRow {
  id: string;
  documentId: string;
  ordinal: number;
  startOffset: number;
  endOffset: number;
  contentHash: string;
  embedded: boolean;
}

interface Changes {
  removed: string[];
  moved: Pick<ChunkRow, 'id' | 'ordinal' | 'startOffset' | 'endOffset'>[];
  added: (PreparedChunk & { id: string; documentId: string; ordinal: number })[];
  /** Kept chunks that lack a vector of this embedder. */
  unembedded: { id: string; documentId: string; contentHash: string }[];
}

/**
 * Stores documents, new or in place of what had their sources, within the caller's transaction. Their rows are locked in
 * the order of their sources, so ingests of the same ones queue up and each ends as a whole. Chunks whose content hash
 * was there before keep their row, vector and postings.
 */
export async function storeDocuments(
  transaction: Queryable,
  documents: PreparedDocument[],
  target: Target,
): Promise<StoredDocument[]> {
  await checkEmbedder(transaction, target);
  const locked = await lockDocuments(transaction, documents, target.collectionId);
  const changed = documents.filter(
    (document) => locked.get(document.source)!.contentHash !== document.contentHash,
  );
  const complete = await hasAllVectors(transaction, [...locked.values()], target.embedder);
  const affected = complete ? changed : documents;
  if (affected.length > 0) {
    const ids = affected.map((document) => locked.get(document.source)!.id);
    const before = await readChunks(transaction, ids, target.embedder);
    const changes = collectChanges(affected, locked, before);
    await applyChanges(transaction, changes, { ...target, documentIds: ids });
    await writeDocuments(transaction, changed, locked);
  }
  return documents.map((document) => {
    const { source, chunks } = document;
    const { id, contentHash } = locked.get(source)!;
    if (!changed.includes(document)) return { id, source, outcome: 'unchanged', written: 0 };
    const outcome = contentHash === '' ? 'created' : 'updated';
    return { id, source, outcome, written: chunks.length };
  });
}

/** New documents get a row with an empty hash, which no content has. */
async function lockDocuments(
  transaction: Queryable,
  documents: PreparedDocument[],
  collectionId: string,
): Promise<Map<string, LockedRow>> {
  const rows = await transaction.query<LockedRow>(
    `INSERT INTO "Document" ("id", "collectionId", "source", "text", "contentHash")
     SELECT id, $1, source, '', '' FROM unnest($2::uuid[], $3::text[]) AS input (id, source)
     ORDER BY source COLLATE "C"
     ON CONFLICT ("collectionId", "source") DO UPDATE SET "source" = EXCLUDED."source"
     RETURNING "id", "source", "contentHash"`,
    [collectionId, documents.map(() => newId()), documents.map(({ source }) => source)],
  );
  return new Map(rows.map((row) => [row.source, row]));
}

async function hasAllVectors(
  transaction: Queryable,
  locked: LockedRow[],
  embedder: string,
): Promise<boolean> {
  const known = locked.filter(({ contentHash }) => contentHash !== '').map(({ id }) => id);
  if (known.length === 0) return true;
  const rows = await transaction.query<{ id: string }>(
    `SELECT c."id" FROM "Chunk" c WHERE c."documentId" = ANY ($1::uuid[]) AND NOT EXISTS
      (SELECT 1 FROM "ChunkEmbedding" e WHERE e."chunkId" = c."id" AND e."embedder" = $2) LIMIT 1`,
    [known, embedder],
  );
  return rows.length === 0;
}

export async function readChunks(
  database: Queryable,
  documentIds: string[],
  embedder: string,
): Promise<ChunkRow[]> {
  return database.query<ChunkRow>(
    `SELECT c."id", c."documentId", c."ordinal", c."startOffset", c."endOffset", c."contentHash",
       e."chunkId" IS NOT NULL AS embedded
     FROM "Chunk" c LEFT JOIN "ChunkEmbedding" e ON e."chunkId" = c."id" AND e."embedder" = $2
     WHERE c."documentId" = ANY ($1::uuid[]) ORDER BY c."documentId", c."ordinal"`,
    [documentIds, embedder],
  );
}

function collectChanges(
  documents: PreparedDocument[],
  locked: Map<string, LockedRow>,
  before: ChunkRow[],
): Changes {
  const changes: Changes = { removed: [], moved: [], added: [], unembedded: [] };
  const reusable = Map.groupBy(before, (row) => `${row.documentId} ${row.contentHash}`);
  for (const document of documents) {
    const documentId = locked.get(document.source)!.id;
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

/** The collection keeps its embedder until the transaction's end. */
async function checkEmbedder(transaction: Queryable, target: Target): Promise<void> {
  const [row] = await transaction.query<{ embedder: string }>(
    `SELECT "embedder" FROM "Collection" WHERE "id" = $1 FOR SHARE`,
    [target.collectionId],
  );
  if (row && row.embedder !== target.embedder) throw new EmbedderChanged(row.embedder);
}

async function applyChanges(
  transaction: Queryable,
  changes: Changes,
  target: Target & { documentIds: string[] },
): Promise<void> {
  const vectors = [...changes.added, ...changes.unembedded].map((chunk) => {
    const vector = target.vectors.get(chunk.contentHash);
    if (!vector) throw new VectorsMissing();
    return { id: chunk.id, documentId: chunk.documentId, embedding: toSql(vector) as string };
  });
  if (changes.removed.length > 0) {
    await transaction.query(
      `DELETE FROM "Posting" WHERE "documentId" = ANY ($1::uuid[]) AND "chunkId" = ANY ($2::uuid[])`,
      [target.documentIds, changes.removed],
    );
    await transaction.query(`DELETE FROM "Chunk" WHERE "id" = ANY ($1::uuid[])`, [changes.removed]);
  }
  if (changes.moved.length > 0)
    await transaction.query(moveChunks, [JSON.stringify(changes.moved)]);
  if (changes.added.length > 0)
    await transaction.query(insertChunks, [target.collectionId, JSON.stringify(changes.added)]);
  if (vectors.length > 0) {
    await transaction.query(
      `INSERT INTO "ChunkEmbedding" ("chunkId", "embedder", "collectionId", "documentId", "embedding", "awaitsIndex")
       SELECT id, $1, $2, document, embedding::vector, true
       FROM unnest($3::uuid[], $4::uuid[], $5::text[]) AS input (id, document, embedding)
       ON CONFLICT DO NOTHING`,
      [
        target.embedder,
        target.collectionId,
        vectors.map(({ id }) => id),
        vectors.map(({ documentId }) => documentId),
        vectors.map(({ embedding }) => embedding),
      ],
    );
  }
}

async function writeDocuments(
  transaction: Queryable,
  documents: PreparedDocument[],
  locked: Map<string, LockedRow>,
): Promise<void> {
  if (documents.length === 0) return;
  const rows = documents.map(({ source, title, text, metadata, contentHash }) => {
    const { id } = locked.get(source)!;
    return { id, title, text, metadata, contentHash };
  });
  await transaction.query(
    `UPDATE "Document" d SET "title" = i."title", "text" = i."text", "metadata" = i."metadata",
       "contentHash" = i."contentHash", "updatedAt" = now(),
       "termCount" = (SELECT COALESCE(sum("termCount"), 0) FROM "Chunk" c WHERE c."documentId" = d."id")
     FROM jsonb_to_recordset($1::jsonb) AS i ("id" uuid, "title" text, "text" text, "metadata" jsonb, "contentHash" text)
     WHERE d."id" = i."id"`,
    [JSON.stringify(rows)],
  );
}

const moveChunks = `
UPDATE "Chunk" c SET "ordinal" = i."ordinal", "startOffset" = i."startOffset", "endOffset" = i."endOffset"
FROM jsonb_to_recordset($1::jsonb) AS i ("id" uuid, "ordinal" int, "startOffset" int, "endOffset" int)
WHERE c."id" = i."id"`;

/** Chunks and their postings in one statement: the terms of a text are counted once, where the stemmer is. */
const insertChunks = `
WITH input AS MATERIALIZED (
  SELECT i.*, to_tsvector('english', i."indexText") AS terms, to_tsvector('english', i."headingIndexText") AS headings
  FROM jsonb_to_recordset($2::jsonb) AS i ("id" uuid, "documentId" uuid, "ordinal" int, "content" text,
    "headingPath" jsonb, "startOffset" int, "endOffset" int, "contentHash" text, "indexText" text, "headingIndexText" text)
), occurrence AS MATERIALIZED (
  SELECT i."id", i."documentId", t.lexeme, cardinality(t.positions) AS frequency, 0 AS heading
  FROM input i, unnest(i.terms) t
  UNION ALL
  SELECT i."id", i."documentId", t.lexeme, 0, cardinality(t.positions) FROM input i, unnest(i.headings) t
), length AS MATERIALIZED (
  SELECT "id", sum(frequency)::int AS terms FROM occurrence GROUP BY "id"
), chunk AS (
  INSERT INTO "Chunk" ("id", "collectionId", "documentId", "ordinal", "content", "headingPath", "startOffset", "endOffset", "contentHash", "termCount")
  SELECT i."id", $1, i."documentId", i."ordinal", i."content", ARRAY (SELECT jsonb_array_elements_text(i."headingPath")),
    i."startOffset", i."endOffset", i."contentHash", COALESCE(l.terms, 0)
  FROM input i LEFT JOIN length l USING ("id")
)
INSERT INTO "Posting" ("collectionId", "term", "chunkId", "documentId", "frequency", "headingFrequency", "termCount")
SELECT $1, o.lexeme, o."id", o."documentId", sum(o.frequency), sum(o.heading), min(l.terms)
FROM occurrence o JOIN length l USING ("id") GROUP BY o.lexeme, o."id", o."documentId" ORDER BY o.lexeme`;
