-- A vector of 512 dimensions is a few bytes longer than what PostgreSQL keeps in a row: each comparison fetched it from
-- elsewhere in two pieces. Up to 2,000 dimensions it lies in its row now, and comparing with every one takes a quarter of
-- the time. What was stored before stays where it is until it is written again.
ALTER TABLE "ChunkEmbedding" SET (toast_tuple_target = 8160);

-- A search with a filter compares with the vectors of the documents that pass.
CREATE INDEX "ChunkEmbedding_collectionId_embedder_documentId_idx" ON "ChunkEmbedding"("collectionId", "embedder", "documentId");

-- The few that await their index.
CREATE INDEX "ChunkEmbedding_awaitsIndex" ON "ChunkEmbedding"("collectionId", "embedder") WHERE "awaitsIndex";
DROP INDEX "ChunkEmbedding_collectionId_embedder_awaitsIndex_idx";
