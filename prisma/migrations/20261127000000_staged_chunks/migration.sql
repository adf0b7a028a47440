-- A large document is written in several transactions: its new chunks are staged, which no search answers, until one
-- short transaction puts them in the place of the former ones.
ALTER TABLE "Chunk" ADD COLUMN "staged" BOOLEAN NOT NULL DEFAULT false;
CREATE INDEX "Chunk_staged" ON "Chunk"("id") WHERE "staged";
