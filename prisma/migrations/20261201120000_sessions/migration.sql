-- Sessions of before cannot be told apart: whoever has one signs in again.
DELETE FROM "Session";

ALTER TABLE "Session" ADD COLUMN "id" UUID NOT NULL,
  ADD COLUMN "method" TEXT NOT NULL,
  ADD COLUMN "apiKeyId" UUID,
  ADD COLUMN "adminKeyTag" TEXT,
  ADD COLUMN "address" TEXT;

CREATE UNIQUE INDEX "Session_id_key" ON "Session"("id");
CREATE INDEX "Session_userId_idx" ON "Session"("userId");

CREATE TABLE "LoginLink" (
  "hash" TEXT NOT NULL,
  "userId" TEXT NOT NULL,
  "groups" TEXT[],
  "roles" TEXT[],
  "apiKeyId" UUID,
  "expiresAt" TIMESTAMPTZ(3) NOT NULL,

  CONSTRAINT "LoginLink_pkey" PRIMARY KEY ("hash")
);
