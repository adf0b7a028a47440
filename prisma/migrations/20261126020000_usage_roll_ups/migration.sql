-- CreateTable
CREATE TABLE "UsageRollUp" (
    "set" TEXT NOT NULL,
    "start" TIMESTAMPTZ(3) NOT NULL,
    "model" TEXT NOT NULL,
    "kind" TEXT,
    "userId" TEXT,
    "apiKeyId" UUID,
    "promptName" TEXT,
    "promptVersionId" UUID,
    "variant" TEXT,
    "requests" BIGINT NOT NULL,
    "errors" BIGINT NOT NULL,
    "cacheHits" BIGINT NOT NULL,
    "cost" DECIMAL(38,12),
    "inputTokens" BIGINT NOT NULL,
    "outputTokens" BIGINT NOT NULL,
    "cacheReadTokens" BIGINT NOT NULL,
    "cacheWriteTokens" BIGINT NOT NULL,
    "durationMs" DOUBLE PRECISION NOT NULL,
    "timedRequests" BIGINT NOT NULL,
    "timeToFirstTokenMs" DOUBLE PRECISION
);

-- CreateTable
CREATE TABLE "UsageDurations" (
    "start" TIMESTAMPTZ(3) NOT NULL,
    "model" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "step" INTEGER NOT NULL,
    "requests" BIGINT NOT NULL,
    "durationsMs" DOUBLE PRECISION[]
);

-- CreateTable
CREATE TABLE "UsageRollUpState" (
    "id" INTEGER NOT NULL,
    "from" TIMESTAMPTZ(3) NOT NULL,
    "to" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "UsageRollUpState_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "UsageRollUpStale" (
    "start" TIMESTAMPTZ(3) NOT NULL,
    "at" TIMESTAMPTZ(6) NOT NULL,
    "transaction" BIGINT NOT NULL,

    CONSTRAINT "UsageRollUpStale_pkey" PRIMARY KEY ("start","at","transaction")
);

-- CreateIndex
CREATE INDEX "UsageRollUp_set_start_idx" ON "UsageRollUp"("set", "start");

-- CreateIndex
CREATE INDEX "UsageDurations_start_step_idx" ON "UsageDurations"("start", "step");

-- One user's, without reading everybody's.
CREATE INDEX "UsageRollUp_set_userId_start_idx" ON "UsageRollUp"("set", "userId", "start") WHERE "userId" IS NOT NULL;

-- Nothing is rolled up.
INSERT INTO "UsageRollUpState" ("id", "from", "to") VALUES (1, 'epoch', 'epoch');

-- Whoever changes what may have been rolled up says so in the same transaction: as long as such a row is seen, its quarter
-- of an hour is read from the records. Each transaction writes rows of its own, so that none waits for another, and none
-- is removed with another's.
CREATE FUNCTION usage_roll_up_stale() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO "UsageRollUpStale" ("start", "at", "transaction")
  SELECT DISTINCT date_bin('15 minutes', c."at", TIMESTAMPTZ '1970-01-01 00:00:00+00'), now(),
    pg_current_xact_id()::text::bigint
  FROM unnest(ARRAY[OLD."createdAt", NEW."createdAt"]) AS c("at") WHERE c."at" IS NOT NULL
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;

CREATE FUNCTION usage_roll_up_reset() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE "UsageRollUpState" SET "from" = 'epoch', "to" = 'epoch';
  TRUNCATE "UsageRollUp", "UsageDurations";
  RETURN NULL;
END $$;

-- Ten minutes are five less than roll-ups wait for (src/ledger/roll-up-usage.ts). A younger row costs the comparison and
-- no call: the clock is read when the row has been written, not when its transaction began.
CREATE TRIGGER "UsageRecord_inserted_late" AFTER INSERT ON "UsageRecord" FOR EACH ROW
  WHEN (NEW."createdAt" < clock_timestamp() - interval '10 minutes') EXECUTE FUNCTION usage_roll_up_stale();
CREATE TRIGGER "UsageRecord_updated_late" AFTER UPDATE ON "UsageRecord" FOR EACH ROW
  WHEN (least(OLD."createdAt", NEW."createdAt") < clock_timestamp() - interval '10 minutes')
  EXECUTE FUNCTION usage_roll_up_stale();
CREATE TRIGGER "UsageRecord_deleted_late" AFTER DELETE ON "UsageRecord" FOR EACH ROW
  WHEN (OLD."createdAt" < clock_timestamp() - interval '10 minutes') EXECUTE FUNCTION usage_roll_up_stale();
CREATE TRIGGER "UsageRecord_truncated" AFTER TRUNCATE ON "UsageRecord" EXECUTE FUNCTION usage_roll_up_reset();
