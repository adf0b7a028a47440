-- Latent semantic analysis: fitted on a collection in the background, served by generation.
ALTER TABLE "Collection" ADD COLUMN "latentGeneration" INTEGER,
  ADD COLUMN "latentChunks" INTEGER NOT NULL DEFAULT 0,
  ADD COLUMN "latentLeaseUntil" TIMESTAMPTZ(3);

CREATE TABLE "LatentTerm" (
    "collectionId" UUID NOT NULL,
    "generation" INTEGER NOT NULL,
    "term" TEXT NOT NULL,
    "vector" vector NOT NULL,

    CONSTRAINT "LatentTerm_pkey" PRIMARY KEY ("collectionId","generation","term")
);
ALTER TABLE "LatentTerm" ADD CONSTRAINT "LatentTerm_collectionId_fkey" FOREIGN KEY ("collectionId") REFERENCES "Collection"("id") ON DELETE CASCADE ON UPDATE CASCADE;
