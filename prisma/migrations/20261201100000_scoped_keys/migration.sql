ALTER TABLE "ApiKey" ADD COLUMN "scopes" JSONB,
  ADD COLUMN "actsForUsers" BOOLEAN NOT NULL DEFAULT false,
  ADD COLUMN "previousHash" TEXT,
  ADD COLUMN "previousUntil" TIMESTAMPTZ(3),
  ADD COLUMN "runsGoOn" BOOLEAN NOT NULL DEFAULT false;

CREATE UNIQUE INDEX "ApiKey_previousHash_key" ON "ApiKey"("previousHash");

ALTER TABLE "Run" ADD COLUMN "scopes" JSONB;

-- Runs of a key: counted when it begins one more, and stopped when it is revoked.
CREATE INDEX "Run_apiKeyId_status_idx" ON "Run"("apiKeyId", "status");
