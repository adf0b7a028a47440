-- Reserves room for a batch of calls, each alone, in the given order. Calls of one user must stand together.
-- p_requests: [{id, runId, userId, amount | null, envelopeRunId | null, envelopeLimit | null, estimate, provisional}].
-- A refused provisional request raises no alert: it may be asked again with a better estimate.
-- p_users and p_envelopes name the owner of each window once. Returns {now, refusals, alerts}; all others are held.
--
-- All windows are made and locked first, in the order of their keys, as in ledger_settle: no two batches deadlock, and
-- nothing that is read after that can change before the commit.
CREATE OR REPLACE FUNCTION ledger_hold(
  p_requests jsonb, p_users text[], p_envelopes text[], p_server uuid, p_time_zone text,
  p_allow_unknown boolean, p_now timestamptz
) RETURNS jsonb LANGUAGE plpgsql
SET lock_timeout = '4s' SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off
SET enable_mergejoin = off AS $$
DECLARE
  v_now timestamptz := date_trunc('milliseconds', coalesce(p_now, clock_timestamp()));
  v_day timestamptz := date_trunc('day', v_now, p_time_zone);
  v_month timestamptz := date_trunc('month', v_now, p_time_zone);
  v_user text;
  v_day_budget "Budget";
  v_month_budget "Budget";
  v_day_window "BudgetWindow";
  v_month_window "BudgetWindow";
  v_run_window "BudgetWindow";
  v_added numeric := 0;
  v_amount numeric;
  v_blocked record;
  v_is_blocked boolean;
  v_refused uuid[] := '{}';
  v_refusals jsonb := '[]';
  v_alert "Alert";
  v_alerts jsonb := '[]';
  r record;
BEGIN
  INSERT INTO "BudgetWindow" ("userId", "period", "startsAt", "createdAt")
  SELECT k.*, v_now FROM (
    SELECT u, 'DAILY', v_day FROM unnest(p_users) u
    UNION ALL SELECT u, 'MONTHLY', v_month FROM unnest(p_users) u
    UNION ALL SELECT e, 'RUN', timestamptz 'epoch' FROM unnest(p_envelopes) e
  ) k ORDER BY 1, 2, 3
  ON CONFLICT DO NOTHING;
  PERFORM 1 FROM "BudgetWindow" w JOIN (
    SELECT u, 'DAILY', v_day FROM unnest(p_users) u
    UNION ALL SELECT u, 'MONTHLY', v_month FROM unnest(p_users) u
    UNION ALL SELECT e, 'RUN', timestamptz 'epoch' FROM unnest(p_envelopes) e
  ) k(u, p, s) ON w."userId" = k.u AND w."period" = k.p AND w."startsAt" = k.s
  ORDER BY w."userId", w."period", w."startsAt" FOR UPDATE OF w;

  FOR r IN SELECT * FROM jsonb_to_recordset(p_requests) AS q(
    "id" uuid, "userId" text, "amount" numeric(24, 12), "envelope" text,
    "envelopeRunId" uuid, "envelopeLimit" numeric(24, 12), "provisional" boolean
  ) LOOP
    IF v_user IS DISTINCT FROM r."userId" THEN
      IF v_added > 0 THEN
        UPDATE "BudgetWindow" SET "held" = "held" + v_added WHERE "userId" = v_user
          AND (("period" = 'DAILY' AND "startsAt" = v_day) OR ("period" = 'MONTHLY' AND "startsAt" = v_month));
      END IF;
      v_user := r."userId";
      v_added := 0;
      SELECT * INTO v_day_window FROM "BudgetWindow"
        WHERE "userId" = v_user AND "period" = 'DAILY' AND "startsAt" = v_day;
      SELECT * INTO v_month_window FROM "BudgetWindow"
        WHERE "userId" = v_user AND "period" = 'MONTHLY' AND "startsAt" = v_month;
      SELECT * INTO v_day_budget FROM "Budget"
        WHERE "subject" IN (v_user, '*') AND "period" = 'DAILY' ORDER BY "subject" = '*' LIMIT 1;
      SELECT * INTO v_month_budget FROM "Budget"
        WHERE "subject" IN (v_user, '*') AND "period" = 'MONTHLY' ORDER BY "subject" = '*' LIMIT 1;
    END IF;
    v_amount := coalesce(r."amount", 0);
    v_run_window := NULL;
    IF r."envelope" IS NOT NULL THEN
      SELECT * INTO v_run_window FROM "BudgetWindow"
        WHERE "userId" = r."envelope" AND "period" = 'RUN' AND "startsAt" = 'epoch';
    END IF;
    v_is_blocked := false;
    IF v_day_budget."id" IS NOT NULL OR v_month_budget."id" IS NOT NULL OR r."envelope" IS NOT NULL THEN
      -- Of several that have no room, the one for which waiting does not help, and then the tightest.
      SELECT c.*, c."spent" + v_amount > c."limit" AS "final" INTO v_blocked FROM (VALUES
        (v_day_budget."id", v_day_budget."subject", 'DAILY', v_day, v_day_budget."limit",
          v_day_window."spent", v_day_window."held" + v_added),
        (v_month_budget."id", v_month_budget."subject", 'MONTHLY', v_month, v_month_budget."limit",
          v_month_window."spent", v_month_window."held" + v_added),
        (r."envelopeRunId", r."envelope", 'RUN', timestamptz 'epoch', r."envelopeLimit",
          v_run_window."spent", v_run_window."held")
      ) AS c("id", "subject", "period", "startsAt", "limit", "spent", "held")
      WHERE c."limit" IS NOT NULL AND (
        c."spent" + c."held" + v_amount > c."limit" OR (r."amount" IS NULL AND NOT p_allow_unknown))
      ORDER BY c."spent" + v_amount > c."limit" DESC, c."limit" - c."spent" - c."held" LIMIT 1;
      v_is_blocked := FOUND;
    END IF;
    IF NOT v_is_blocked THEN
      v_added := v_added + v_amount;
      IF r."envelope" IS NOT NULL THEN
        UPDATE "BudgetWindow" SET "held" = "held" + v_amount
          WHERE "userId" = r."envelope" AND "period" = 'RUN' AND "startsAt" = 'epoch';
      END IF;
    ELSE
      v_refused := v_refused || r."id";
      v_refusals := v_refusals || jsonb_build_object(
        'id', r."id", 'final', v_blocked."final", 'unknown', r."amount" IS NULL,
        'budgetId', v_blocked."id", 'subject', v_blocked."subject", 'period', v_blocked."period",
        'limit', trim_scale(v_blocked."limit")::text, 'spent', trim_scale(v_blocked."spent")::text,
        'held', trim_scale(v_blocked."held")::text,
        'resetsAt', ledger_window_end(v_blocked."period", v_now, p_time_zone));
      IF v_blocked."final" AND r."amount" IS NOT NULL AND v_blocked."period" <> 'RUN' AND r."provisional" IS NOT TRUE THEN
        INSERT INTO "Alert" ("id", "kind", "message", "userId", "runId", "cost", "threshold", "crossing", "createdAt")
        SELECT ledger_new_id(), 'BUDGET_EXCEEDED',
          format('A call of %s was refused: it could cost up to $%s, and of the %s budget of $%s, $%s is spent.',
            v_user, trim_scale(v_amount), lower(v_blocked."period"), trim_scale(v_blocked."limit"),
            trim_scale(v_blocked."spent")),
          v_user, NULL, v_blocked."spent", v_blocked."limit",
          ledger_crossing(v_blocked."id", v_user, v_blocked."startsAt", v_blocked."limit", 100) || ':refused', v_now
        ON CONFLICT ("crossing") DO NOTHING RETURNING * INTO v_alert;
        IF FOUND THEN v_alerts := v_alerts || ledger_alert_json(v_alert); END IF;
      END IF;
    END IF;
  END LOOP;
  IF v_added > 0 THEN
    UPDATE "BudgetWindow" SET "held" = "held" + v_added WHERE "userId" = v_user
      AND (("period" = 'DAILY' AND "startsAt" = v_day) OR ("period" = 'MONTHLY' AND "startsAt" = v_month));
  END IF;

  INSERT INTO "Hold" ("id", "runId", "userId", "serverId", "amount", "dayStart", "monthStart", "estimate",
    "createdAt", "envelopeRunId")
  SELECT q."id", q."runId", q."userId", p_server, coalesce(q."amount", 0), v_day, v_month, q."estimate", v_now,
    q."envelopeRunId"
  FROM jsonb_to_recordset(p_requests) AS q(
    "id" uuid, "runId" uuid, "userId" text, "amount" numeric, "estimate" jsonb, "envelopeRunId" uuid)
  WHERE q."id" <> ALL (v_refused);
  RETURN jsonb_build_object('now', v_now, 'refusals', v_refusals, 'alerts', v_alerts);
END
$$;
