-- AlterTable
ALTER TABLE "Collection" ADD COLUMN     "embedderWeight" DOUBLE PRECISION,
ADD COLUMN     "nextDimensions" INTEGER,
ADD COLUMN     "nextEmbedder" TEXT,
ADD COLUMN     "nextProblem" TEXT,
ADD COLUMN     "nextRequestedBy" TEXT,
ADD COLUMN     "reembedLeaseUntil" TIMESTAMPTZ(3),
ADD COLUMN     "staleVectors" BOOLEAN NOT NULL DEFAULT false;
