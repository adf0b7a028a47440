-- The subjects of a budget scope that a usage record is charged to.
CREATE OR REPLACE FUNCTION ledger_subjects(scope text, record "UsageRecord") RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE scope
    WHEN 'USER' THEN ARRAY[record."userId"]
    WHEN 'GROUP' THEN record."groups"
    WHEN 'API_KEY' THEN array_remove(ARRAY[record."apiKeyId"::text], NULL)
    WHEN 'TAG' THEN record."tags"
    WHEN 'MODEL' THEN ARRAY[record."model"]
    WHEN 'EVERYTHING' THEN ARRAY['*']
  END
$$;
