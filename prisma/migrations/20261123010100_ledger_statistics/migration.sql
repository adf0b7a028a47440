-- Tells the planner how few quarters of an hour a window has: without it, it expects as many groups as rows, and sums up
-- a month of a million records on one core instead of all.
CREATE STATISTICS "UsageRecord_quarter"
  ON (date_bin('15 minutes', "createdAt", TIMESTAMPTZ '1970-01-01 00:00:00+00')) FROM "UsageRecord";
