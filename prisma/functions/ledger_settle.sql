-- Ends holds, and writes usage records with all that follows from them: windows and alerts.
-- p_holds: every hold that ends, settled or released. p_records: usage rows as JSON; a null `createdAt` means now.
-- p_envelopes: {record id: [[scope, subject], …]}: runs with a limit and access tokens that a record is charged to.
-- p_only_held: write only records whose hold was still there (the sweep of a dead server: the transaction that takes the
-- hold writes the record).
-- Returns {now, written, stored, alerts}; `stored` are rows that were there before.
--
-- Locks are taken in this order everywhere: budgets, holds by id, records by id, windows by key, alerts.
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
  v_windows "SpendingWindow"[];
  v_scopes text[];
  v_stored jsonb := '[]';
  v_alerts jsonb;
  v_record "UsageRecord";
  v_former "UsageRecord";
  r record;
BEGIN
  LOCK TABLE "Budget" IN ROW SHARE MODE;
  WITH locked AS MATERIALIZED (
    SELECT h."id" FROM "Hold" h WHERE h."id" = ANY (p_holds) ORDER BY h."id" FOR UPDATE
  ), gone AS (
    DELETE FROM "Hold" h USING locked l WHERE h."id" = l."id" RETURNING h
  ) SELECT array_agg(gone.h) INTO v_holds FROM gone;

  WITH written AS (
    INSERT INTO "UsageRecord" AS u ("id", "runId", "requestId", "userId", "apiKeyId", "kind", "provider", "model",
      "promptVersionId", "promptName", "experimentId", "variant", "inputTokens", "outputTokens", "cacheReadTokens",
      "cacheWriteTokens", "estimated", "cached", "cost", "status", "durationMs", "timeToFirstTokenMs", "groups", "tags",
      "agent", "conversationId", "createdAt")
    SELECT n."id", n."runId", n."requestId", n."userId", n."apiKeyId", n."kind", n."provider", n."model",
      n."promptVersionId", n."promptName", n."experimentId", n."variant", n."inputTokens", n."outputTokens",
      n."cacheReadTokens", n."cacheWriteTokens", n."estimated", n."cached", n."cost", n."status", n."durationMs",
      n."timeToFirstTokenMs", coalesce(n."groups", '{}'), coalesce(n."tags", '{}'), n."agent", n."conversationId",
      coalesce(n."createdAt", v_now)
    FROM jsonb_populate_recordset(NULL::"UsageRecord", p_records) n
    WHERE NOT p_only_held OR n."id" IN (SELECT h."id" FROM unnest(v_holds) h)
    ORDER BY n."id"
    ON CONFLICT ("id") DO NOTHING RETURNING u
  ) SELECT array_agg(written.u), count(*) INTO v_charged, v_written FROM written;

  IF NOT p_only_held AND v_written < jsonb_array_length(p_records) THEN
    -- The server was thought dead and its call settled by estimate; here comes the truth.
    FOR r IN
      SELECT n AS "truth", u AS "former"
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
      -- The estimate may have named another model.
      v_former := r."former";
      v_former."cost" := -v_former."cost";
      v_charged := v_charged || v_former || v_record;
    END LOOP;
    SELECT coalesce(jsonb_agg(to_jsonb(u) || jsonb_build_object('cost', u."cost"::text)), '[]') INTO v_stored
      FROM "UsageRecord" u
      WHERE u."id" IN (SELECT (e->>'id')::uuid FROM jsonb_array_elements(p_records) e);
  END IF;

  -- Users have windows always, others where a budget applies.
  v_scopes := ARRAY(
    SELECT s FROM unnest(ARRAY['USER', 'GROUP', 'API_KEY', 'TAG', 'MODEL', 'EVERYTHING']) s
    WHERE s = 'USER' OR EXISTS (SELECT FROM "Budget" b WHERE b."scope" = s));
  WITH parts("scope", "subject", "day", "month", "spent", "held") AS (
    SELECT x."scope", s."subject", date_trunc('day', c."createdAt", p_time_zone),
      date_trunc('month', c."createdAt", p_time_zone), c."cost", 0
      FROM unnest(v_charged) c
      CROSS JOIN unnest(v_scopes) x("scope") CROSS JOIN LATERAL unnest(ledger_subjects(x."scope", c)) s("subject")
      WHERE c."cost" <> 0
    UNION ALL SELECT e->>0, e->>1, NULL, NULL, c."cost", 0 FROM unnest(v_charged) c
      -- Servers of the release before name a run alone.
      CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(p_envelopes->c."id"::text)
        WHEN 'string' THEN jsonb_build_array(jsonb_build_array('RUN', p_envelopes->c."id"::text))
        ELSE p_envelopes->c."id"::text END) e
      WHERE p_envelopes ? c."id"::text AND c."cost" <> 0
    UNION ALL SELECT d."scope", d."subject", h."dayStart", h."monthStart", 0, -d."amount"
      FROM unnest(v_holds) h CROSS JOIN LATERAL unnest(h."scopes", h."subjects", h."amounts") d("scope", "subject", "amount")
      WHERE d."amount" <> 0 AND d."scope" = ANY (v_scopes || '{RUN,TOKEN}'::text[])
  ), deltas AS MATERIALIZED (
    SELECT d."scope", d."subject", d."day", d."month", sum(d."spent") AS "spent", sum(d."held") AS "held"
    FROM parts d GROUP BY 1, 2, 3, 4
  ), changed AS (
    INSERT INTO "SpendingWindow" AS w ("scope", "subject", "period", "startsAt", "spent", "held", "createdAt")
    SELECT d."scope", d."subject", p."period", p."startsAt", sum(d."spent"), sum(d."held"), v_now
    FROM deltas d CROSS JOIN LATERAL (VALUES
      ('DAILY', CASE WHEN d."scope" NOT IN ('RUN', 'TOKEN') THEN d."day" END),
      ('MONTHLY', CASE WHEN d."scope" NOT IN ('RUN', 'TOKEN') THEN d."month" END),
      ('TOTAL', CASE WHEN d."scope" IN ('RUN', 'TOKEN') THEN timestamptz 'epoch' END)
    ) p("period", "startsAt")
    WHERE p."startsAt" IS NOT NULL AND (d."scope" IN ('USER', 'RUN', 'TOKEN') OR EXISTS (
      SELECT FROM "Budget" b WHERE b."scope" = d."scope" AND b."subject" IN (d."subject", '*') AND b."period" = p."period"))
    GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    ON CONFLICT ("scope", "subject", "period", "startsAt")
      DO UPDATE SET "spent" = w."spent" + excluded."spent", "held" = w."held" + excluded."held"
    RETURNING w
  ) SELECT array_agg(changed.w) INTO v_windows FROM changed;

  WITH marks AS (
    INSERT INTO "Alert" AS a ("id", "kind", "message", "userId", "runId", "cost", "threshold", "crossing", "createdAt")
    SELECT ledger_new_id(), CASE m.percent WHEN 100 THEN 'BUDGET_EXCEEDED' ELSE 'BUDGET_THRESHOLD' END,
      CASE w."scope"
        WHEN 'USER' THEN format('%s has spent $%s, past %s %% of the %s of $%s.', w."subject", trim_scale(w."spent"),
          m.percent, ledger_budget_name(w."scope", w."subject", w."period"), trim_scale(b."limit"))
        ELSE format('$%s is spent, past %s %% of the %s of $%s.', trim_scale(w."spent"), m.percent,
          ledger_budget_name(w."scope", w."subject", w."period"), trim_scale(b."limit"))
      END,
      CASE w."scope" WHEN 'USER' THEN w."subject" END, NULL::uuid, w."spent", b."limit" * m.percent / 100,
      ledger_crossing(b."id", w."subject", w."startsAt", b."limit", m.percent), v_now
    FROM unnest(v_windows) w
    JOIN LATERAL (
      SELECT * FROM "Budget" b
      WHERE b."scope" = w."scope" AND b."subject" IN (w."subject", '*') AND b."period" = w."period"
      ORDER BY b."subject" = w."subject" DESC LIMIT 1
    ) b ON w."spent" > 0 AND w."spent" >= b."limit" * 0.5
    JOIN (VALUES (50), (80), (100)) m(percent) ON w."spent" >= b."limit" * m.percent / 100
    ORDER BY w."scope", w."subject", w."period", w."startsAt", m.percent
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
