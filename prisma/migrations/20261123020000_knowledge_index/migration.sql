-- BM25 reads nothing but postings: what it needs of chunk and document stands in them. Their rows go with the document's
-- chunks in one DELETE; a foreign key would look up each of the eighty or so postings of a chunk on insert.
ALTER TABLE "Posting" DROP CONSTRAINT "Posting_chunkId_fkey";
DROP INDEX "Posting_chunkId_idx";
DELETE FROM "Posting";
ALTER TABLE "Posting" ADD COLUMN "documentId" UUID NOT NULL,
  ADD COLUMN "headingFrequency" INTEGER NOT NULL,
  ADD COLUMN "termCount" INTEGER NOT NULL;
CREATE INDEX "Posting_documentId_idx" ON "Posting"("documentId");

-- A kept chunk moves to another place while its neighbours are still there.
DROP INDEX "Chunk_documentId_ordinal_key";
CREATE INDEX "Chunk_documentId_ordinal_idx" ON "Chunk"("documentId", "ordinal");

ALTER TABLE "Document" ADD COLUMN "termCount" INTEGER NOT NULL DEFAULT 0;
CREATE INDEX "Document_collectionId_id_idx" ON "Document"("collectionId", "id");

ALTER TABLE "ChunkEmbedding" ADD COLUMN "collectionId" UUID NOT NULL, ADD COLUMN "documentId" UUID NOT NULL;
CREATE INDEX "ChunkEmbedding_collectionId_embedder_idx" ON "ChunkEmbedding"("collectionId", "embedder");
-- Vectors of up to 2,000 dimensions stay in the row: fetched from TOAST, an exact scan takes three times as long.
ALTER TABLE "ChunkEmbedding" ALTER COLUMN "embedding" SET STORAGE EXTERNAL;
ALTER TABLE "ChunkEmbedding" SET (toast_tuple_target = 8160);
