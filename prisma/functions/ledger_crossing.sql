-- The name of one crossing: a mark of one window under one limit. A changed limit is another crossing.
CREATE OR REPLACE FUNCTION ledger_crossing(budget uuid, user_id text, starts_at timestamptz, budget_limit numeric, percent integer)
RETURNS text LANGUAGE sql STABLE AS $$
  SELECT concat_ws(':', 'budget', budget, user_id, extract(epoch FROM starts_at)::bigint, trim_scale(budget_limit), percent)
$$;
