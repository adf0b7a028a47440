-- Empties the roll-ups when the usage records are truncated.
CREATE OR REPLACE FUNCTION usage_roll_up_reset() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE "UsageRollUpState" SET "from" = 'epoch', "to" = 'epoch';
  TRUNCATE "UsageRollUp", "UsageDurations";
  RETURN NULL;
END $$;
