-- The end of the window of `period` that contains `moment`.
CREATE OR REPLACE FUNCTION ledger_window_end(period text, moment timestamptz, time_zone text) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
  SELECT CASE period
    WHEN 'DAILY' THEN (date_trunc('day', moment AT TIME ZONE time_zone) + interval '1 day') AT TIME ZONE time_zone
    WHEN 'MONTHLY' THEN (date_trunc('month', moment AT TIME ZONE time_zone) + interval '1 month') AT TIME ZONE time_zone
    ELSE timestamptz '9999-12-31 23:59:59.999Z'
  END
$$;
