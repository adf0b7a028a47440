-- Ends holds, and writes usage records with all that follows from them: windows and alerts.
-- p_holds: every hold that ends, settled or released. p_records: usage rows as JSON; a null `createdAt` means now.
-- p_envelopes: {record id: run id} where a run's own limit is drawn from. p_only_held: write only records whose hold was
-- still there (the sweep of a dead server: the transaction that takes the hold writes the record).
-- Returns {now, written, stored, alerts}; `stored` are rows that were there before.
--
-- Locks are taken in this order everywhere: holds by id, records by id, windows by key, alerts.
CREATE OR REPLACE FUNCTION ledger_settle(
  p_holds uuid[], p_records jsonb, p_envelopes jsonb, p_only_held boolean, p_time_zone text,
  p_high_cost numeric, p_now timestamptz
) RETURNS jsonb LANGUAGE plpgsql
SET lock_timeout = '4s' SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off
SET enable_mergejoin = off AS $$
DECLARE
  v_now timestamptz := date_trunc('milliseconds', coalesce(p_now, clock_timestamp()));
  v_holds "Hold"[];
  v_charged "UsageRecord"[];
  v_written integer;
  v_windows "BudgetWindow"[];
  v_stored jsonb := '[]';
  v_alerts jsonb;
  v_record "UsageRecord";
  r record;
BEGIN
  WITH locked AS MATERIALIZED (
    SELECT h."id" FROM "Hold" h WHERE h."id" = ANY (p_holds) ORDER BY h."id" FOR UPDATE
  ), gone AS (
    DELETE FROM "Hold" h USING locked l WHERE h."id" = l."id" RETURNING h
  ) SELECT array_agg(gone.h) INTO v_holds FROM gone;

  WITH written AS (
    INSERT INTO "UsageRecord" AS u ("id", "runId", "requestId", "userId", "apiKeyId", "kind", "provider", "model",
      "promptVersionId", "promptName", "experimentId", "variant", "inputTokens", "outputTokens", "cacheReadTokens",
      "cacheWriteTokens", "estimated", "cached", "cost", "status", "durationMs", "timeToFirstTokenMs", "createdAt")
    SELECT n."id", n."runId", n."requestId", n."userId", n."apiKeyId", n."kind", n."provider", n."model",
      n."promptVersionId", n."promptName", n."experimentId", n."variant", n."inputTokens", n."outputTokens",
      n."cacheReadTokens", n."cacheWriteTokens", n."estimated", n."cached", n."cost", n."status", n."durationMs",
      n."timeToFirstTokenMs", coalesce(n."createdAt", v_now)
    FROM jsonb_populate_recordset(NULL::"UsageRecord", p_records) n
    WHERE NOT p_only_held OR n."id" IN (SELECT h."id" FROM unnest(v_holds) h)
    ORDER BY n."id"
    ON CONFLICT ("id") DO NOTHING RETURNING u
  ) SELECT array_agg(written.u), count(*) INTO v_charged, v_written FROM written;

  IF NOT p_only_held AND v_written < jsonb_array_length(p_records) THEN
    -- The server was thought dead and its call settled by estimate; here comes the truth.
    FOR r IN
      SELECT n AS "truth", u."cost" AS "was"
      FROM jsonb_populate_recordset(NULL::"UsageRecord", p_records) n JOIN "UsageRecord" u ON u."id" = n."id"
      WHERE u."estimated" AND u."status" = 'interrupted' AND NOT n."estimated"
      ORDER BY n."id" FOR UPDATE OF u
    LOOP
      v_record := r."truth";
      UPDATE "UsageRecord" SET "provider" = v_record."provider", "model" = v_record."model",
        "inputTokens" = v_record."inputTokens", "outputTokens" = v_record."outputTokens",
        "cacheReadTokens" = v_record."cacheReadTokens", "cacheWriteTokens" = v_record."cacheWriteTokens",
        "estimated" = false, "cost" = v_record."cost", "status" = v_record."status",
        "durationMs" = v_record."durationMs", "timeToFirstTokenMs" = v_record."timeToFirstTokenMs"
        WHERE "id" = v_record."id";
      v_record."cost" := coalesce(v_record."cost", 0) - coalesce(r."was", 0);
      v_charged := v_charged || v_record;
    END LOOP;
    SELECT coalesce(jsonb_agg(to_jsonb(u) || jsonb_build_object('cost', u."cost"::text)), '[]') INTO v_stored
      FROM "UsageRecord" u
      WHERE u."id" IN (SELECT (e->>'id')::uuid FROM jsonb_array_elements(p_records) e);
  END IF;

  WITH deltas("userId", "period", "startsAt", "spent", "held") AS (
    SELECT c."userId", 'DAILY', date_trunc('day', c."createdAt", p_time_zone), coalesce(c."cost", 0), 0
      FROM unnest(v_charged) c
    UNION ALL SELECT c."userId", 'MONTHLY', date_trunc('month', c."createdAt", p_time_zone), coalesce(c."cost", 0), 0
      FROM unnest(v_charged) c
    UNION ALL SELECT 'run:' || (p_envelopes->>c."id"::text), 'RUN', timestamptz 'epoch', coalesce(c."cost", 0), 0
      FROM unnest(v_charged) c WHERE p_envelopes ? c."id"::text
    UNION ALL SELECT h."userId", 'DAILY', h."dayStart", 0, -h."amount" FROM unnest(v_holds) h
    UNION ALL SELECT h."userId", 'MONTHLY', h."monthStart", 0, -h."amount" FROM unnest(v_holds) h
    UNION ALL SELECT 'run:' || h."envelopeRunId", 'RUN', timestamptz 'epoch', 0, -h."amount"
      FROM unnest(v_holds) h WHERE h."envelopeRunId" IS NOT NULL
  ), changed AS (
    INSERT INTO "BudgetWindow" AS w ("userId", "period", "startsAt", "spent", "held", "createdAt")
    SELECT d."userId", d."period", d."startsAt", sum(d."spent"), sum(d."held"), v_now FROM deltas d
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT ("userId", "period", "startsAt")
      DO UPDATE SET "spent" = w."spent" + excluded."spent", "held" = w."held" + excluded."held"
    RETURNING w
  ) SELECT array_agg(changed.w) INTO v_windows FROM changed;

  WITH marks AS (
    INSERT INTO "Alert" AS a ("id", "kind", "message", "userId", "runId", "cost", "threshold", "crossing", "createdAt")
    SELECT ledger_new_id(), CASE m.percent WHEN 100 THEN 'BUDGET_EXCEEDED' ELSE 'BUDGET_THRESHOLD' END,
      format('%s has spent $%s, past %s %% of the %s budget of $%s.',
        w."userId", trim_scale(w."spent"), m.percent, lower(w."period"), trim_scale(b."limit")),
      w."userId", NULL::uuid, w."spent", b."limit" * m.percent / 100,
      ledger_crossing(b."id", w."userId", w."startsAt", b."limit", m.percent), v_now
    FROM unnest(v_windows) w
    JOIN LATERAL (
      SELECT * FROM "Budget" b WHERE b."subject" IN (w."userId", '*') AND b."period" = w."period"
      ORDER BY b."subject" = '*' LIMIT 1
    ) b ON w."spent" > 0 AND w."spent" >= b."limit" * 0.5
    JOIN (VALUES (50), (80), (100)) m(percent) ON w."spent" >= b."limit" * m.percent / 100
    ORDER BY w."userId", w."period", w."startsAt", m.percent
    ON CONFLICT ("crossing") DO NOTHING RETURNING a
  ) SELECT coalesce(jsonb_agg(ledger_alert_json(marks.a)), '[]') INTO v_alerts FROM marks;

  IF p_high_cost IS NOT NULL AND v_charged IS NOT NULL THEN
    WITH high AS (
      INSERT INTO "Alert" AS a ("id", "kind", "message", "userId", "runId", "cost", "threshold", "crossing", "createdAt")
      SELECT ledger_new_id(), 'HIGH_COST_REQUEST',
        format('A request of %s has cost $%s, more than $%s.', s."userId", trim_scale(s."cost"), trim_scale(p_high_cost)),
        s."userId", s."runId", s."cost", p_high_cost, 'request:' || s."runId", v_now
      FROM (
        SELECT u."runId", min(u."userId") AS "userId", sum(u."cost") AS "cost" FROM "UsageRecord" u
        WHERE u."runId" = ANY (ARRAY(SELECT DISTINCT c."runId" FROM unnest(v_charged) c WHERE c."cost" > 0))
        GROUP BY u."runId" HAVING sum(u."cost") > p_high_cost
      ) s ORDER BY s."runId"
      ON CONFLICT ("crossing") DO NOTHING RETURNING a
    ) SELECT v_alerts || coalesce(jsonb_agg(ledger_alert_json(high.a)), '[]') INTO v_alerts FROM high;
  END IF;
  RETURN jsonb_build_object('now', v_now, 'written', v_written, 'stored', v_stored, 'alerts', v_alerts);
END
$$;
