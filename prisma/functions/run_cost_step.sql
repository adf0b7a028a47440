-- The power of two, in US dollars, that a cost is at least; null for none.
CREATE OR REPLACE FUNCTION run_cost_step(cost numeric) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN cost > 0 THEN floor(ln(cost::float8) / ln(2::float8))::integer END
$$;
