import type { Queryable } from '../../data/database.ts';
import { type IndexText, indexVersion } from '../terms/index-text.ts';

/** How often each term occurs in the texts and headings of `input`, and each text's length in terms. */
export const countedTerms = `
occurrence AS MATERIALIZED (
  SELECT i."id", i."documentId", t.lexeme, cardinality(t.positions) AS frequency, 0 AS heading
  FROM input i, jsonb_each_text(i."indexText") w, unnest(to_tsvector(w.key::regconfig, w.value)) t
  UNION ALL
  SELECT i."id", i."documentId", t.lexeme, 0, cardinality(t.positions)
  FROM input i, jsonb_each_text(i."headingIndexText") w, unnest(to_tsvector(w.key::regconfig, w.value)) t
), length AS MATERIALIZED (
  SELECT "id", sum(frequency)::int AS terms FROM occurrence GROUP BY "id"
)`;

/** Into the collection $1. */
export const insertPostings = `
INSERT INTO "Posting" ("collectionId", "term", "chunkId", "documentId", "frequency", "headingFrequency", "termCount")
SELECT $1, o.lexeme, o."id", o."documentId", sum(o.frequency), sum(o.heading), min(l.terms)
FROM occurrence o JOIN length l USING ("id") GROUP BY o.lexeme, o."id", o."documentId" ORDER BY o.lexeme`;

/** A chunk that is stored, with the words that it is to be found by. */
export interface IndexedChunk {
  id: string;
  documentId: string;
  indexText: IndexText;
  headingIndexText: IndexText;
}

/** Puts new postings in the place of the chunks' former ones. Their documents are locked by the caller. */
export async function replacePostings(
  transaction: Queryable,
  chunks: readonly IndexedChunk[],
  collectionId: string,
): Promise<void> {
  const documentIds = [...new Set(chunks.map(({ documentId }) => documentId))];
  await transaction.query(
    `DELETE FROM "Posting" WHERE "documentId" = ANY ($1::uuid[]) AND "chunkId" = ANY ($2::uuid[])`,
    [documentIds, chunks.map(({ id }) => id)],
  );
  await transaction.query(replace, [collectionId, JSON.stringify(chunks)]);
  await transaction.query(
    `UPDATE "Document" d SET "termCount" = (SELECT COALESCE(sum("termCount"), 0) FROM "Chunk" c
       WHERE c."documentId" = d."id" AND NOT c."staged") WHERE d."id" = ANY ($1::uuid[])`,
    [documentIds],
  );
}

const replace = `
WITH input AS MATERIALIZED (
  SELECT * FROM jsonb_to_recordset($2::jsonb)
    AS i ("id" uuid, "documentId" uuid, "indexText" jsonb, "headingIndexText" jsonb)
), ${countedTerms}, chunk AS (
  UPDATE "Chunk" c SET "termCount" = COALESCE(l.terms, 0), "indexVersion" = ${indexVersion}
  FROM input i LEFT JOIN length l USING ("id") WHERE c."id" = i."id"
)
${insertPostings}`;
