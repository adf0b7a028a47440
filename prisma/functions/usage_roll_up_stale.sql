-- Marks the quarter of an hour of a changed record, in the same transaction: as long as such a mark is visible, that
-- quarter is read from the records. Each transaction writes marks of its own, so that none waits for another.
CREATE OR REPLACE FUNCTION usage_roll_up_stale() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO "UsageRollUpStale" ("start", "at", "transaction")
  SELECT DISTINCT date_bin('15 minutes', c."at", TIMESTAMPTZ '1970-01-01 00:00:00+00'), now(),
    pg_current_xact_id()::text::bigint
  FROM unnest(ARRAY[OLD."createdAt", NEW."createdAt"]) AS c("at") WHERE c."at" IS NOT NULL
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
