-- A budget in a sentence: "monthly budget of group sales".
CREATE OR REPLACE FUNCTION ledger_budget_name(scope text, subject text, period text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT lower(period) || ' budget' || CASE scope
    WHEN 'USER' THEN '' WHEN 'EVERYTHING' THEN ' of everything'
    ELSE format(' of %s %s', replace(lower(scope), '_', ' '), subject) END
$$;
