-- CreateTable
CREATE TABLE "PurgedUsage" (
    "runId" UUID NOT NULL,
    "inputTokens" BIGINT NOT NULL,
    "outputTokens" BIGINT NOT NULL,
    "cacheReadTokens" BIGINT NOT NULL,
    "cacheWriteTokens" BIGINT NOT NULL,
    "estimated" BOOLEAN NOT NULL,
    "cost" DECIMAL(24,12),

    CONSTRAINT "PurgedUsage_pkey" PRIMARY KEY ("runId")
);
