-- The ledger's statements touch a few rows by key, in tables that grow and shrink under a plan that stays. Planning them
-- anew costs a fifth of a settlement, and a plan that was made while a table was empty reads all of it for ever after.
ALTER FUNCTION ledger_hold SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION ledger_hold SET enable_seqscan = off;
ALTER FUNCTION ledger_hold SET enable_hashjoin = off;
ALTER FUNCTION ledger_hold SET enable_mergejoin = off;
ALTER FUNCTION ledger_settle SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION ledger_settle SET enable_seqscan = off;
ALTER FUNCTION ledger_settle SET enable_hashjoin = off;
ALTER FUNCTION ledger_settle SET enable_mergejoin = off;
