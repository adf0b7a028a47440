-- A vector is stored at once and goes into the vector index later, in the background: inserting into HNSW takes several
-- times as long as everything else of a chunk. Indexes made before are made anew, without what waits.
ALTER TABLE "ChunkEmbedding" ADD COLUMN "awaitsIndex" BOOLEAN NOT NULL DEFAULT false;
DROP INDEX "ChunkEmbedding_collectionId_embedder_idx";
CREATE INDEX "ChunkEmbedding_collectionId_embedder_awaitsIndex_idx" ON "ChunkEmbedding"("collectionId", "embedder", "awaitsIndex");

DO $$
DECLARE
  former text;
BEGIN
  FOR former IN SELECT c.relname FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid
    JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'hnsw' AND i.indrelid = '"ChunkEmbedding"'::regclass
  LOOP
    EXECUTE format('DROP INDEX %I', former);
  END LOOP;
END $$;
