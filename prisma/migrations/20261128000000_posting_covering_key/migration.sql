-- Searches read hundreds of postings for each word of a question, and each lay elsewhere in the table. The key holds now
-- all that they need of one. Making it anew takes a second or two for a million postings; searches wait meanwhile.
ALTER TABLE "Posting" DROP CONSTRAINT "Posting_pkey";
ALTER TABLE "Posting" ADD CONSTRAINT "Posting_pkey"
  PRIMARY KEY ("collectionId", "term", "chunkId", "documentId", "frequency", "headingFrequency", "termCount");

-- Nothing is planned by what vectors are, and a sample of them is dear.
ALTER TABLE "ChunkEmbedding" ALTER COLUMN "embedding" SET STATISTICS 0;
ALTER TABLE "LatentTerm" ALTER COLUMN "vector" SET STATISTICS 0;
