-- Which rules the chunk's postings were made by. What an older release indexed is indexed again in the background: see
-- src/knowledge/collections/reindexing.ts.
ALTER TABLE "Chunk" ADD COLUMN "indexVersion" INTEGER NOT NULL DEFAULT 1;
CREATE INDEX "Chunk_outdated" ON "Chunk"("id") WHERE "indexVersion" < 2;
