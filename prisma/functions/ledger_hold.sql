-- Reserves room for a batch of calls, each alone, in the order given.
-- p_scopes, p_subjects, p_limits: every subject that a call of the batch is charged to, once. Scopes are those of budgets,
-- RUN (a run's own limit, given in p_limits) and TOKEN (an access token, whose limit is in its row). Users, runs and tokens
-- have windows always, other subjects where a budget applies to them.
-- p_requests: [{id, runId, userId, amount | null, scopes, subjects, places, amounts, estimate, provisional}]: `places` are
-- those of the call's subjects in p_subjects, from 1, and `amounts` the most that it may cost each, null where a price is
-- not known.
-- A provisional request that is refused raises no alert: it may be asked again with a better estimate. A refusal is not
-- the crossing of 100 %: an oversized call must not keep that from being reported when it happens.
-- Returns {now, refusals, alerts}; a request without a refusal is held.
--
-- Budgets stay as they are until the commit. All windows are made first and then locked, in the order of their key, as in
-- ledger_settle: no two batches deadlock, and nothing that is read below can change before the commit.
CREATE OR REPLACE FUNCTION ledger_hold(
  p_requests jsonb, p_scopes text[], p_subjects text[], p_limits numeric[], p_server uuid, p_time_zone text,
  p_allow_unknown boolean, p_now timestamptz
) RETURNS jsonb LANGUAGE plpgsql
SET lock_timeout = '4s' SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off
SET enable_mergejoin = off AS $$
DECLARE
  v_now timestamptz := date_trunc('milliseconds', coalesce(p_now, clock_timestamp()));
  v_day timestamptz := date_trunc('day', v_now, p_time_zone);
  v_month timestamptz := date_trunc('month', v_now, p_time_zone);
  -- Windows in use, by their places in the order in which they were found.
  v_scopes text[] := '{}';
  v_subjects text[] := '{}';
  v_periods text[] := '{}';
  v_starts timestamptz[] := '{}';
  v_budgets uuid[] := '{}';
  v_named text[] := '{}';
  v_limits numeric[] := '{}';
  v_spent numeric[] := '{}';
  v_held numeric[] := '{}';
  v_added numeric[] := '{}';
  -- The first and last window of each subject in use.
  v_first integer[] := array_fill(NULL::integer, ARRAY[cardinality(p_subjects)]);
  v_last integer[] := v_first;
  v_missing boolean := false;
  v_count integer := 0;
  v_amount numeric;
  v_room numeric;
  v_final boolean;
  -- The window that refuses a call.
  v_blocked integer;
  v_blocked_room numeric;
  v_blocked_final boolean;
  v_blocked_amount numeric;
  v_refused uuid[] := '{}';
  v_refusals jsonb := '[]';
  v_alert "Alert";
  v_alerts jsonb := '[]';
  r record;
  w record;
BEGIN
  LOCK TABLE "Budget" IN ROW SHARE MODE;
  FOR w IN
    SELECT s."place", s."scope", s."subject", p."period", p."startsAt", coalesce(o."id", d."id") AS "budget",
      coalesce(o."subject", d."subject") AS "named", coalesce(o."limit", d."limit", s."limit", t."maxCost") AS "limit",
      x."scope" IS NULL AS "missing"
    FROM unnest(p_scopes, p_subjects, p_limits) WITH ORDINALITY s("scope", "subject", "limit", "place")
    JOIN (VALUES ('DAILY', v_day), ('MONTHLY', v_month), ('TOTAL', timestamptz 'epoch')) p("period", "startsAt")
      ON (p."period" = 'TOTAL') = (s."scope" IN ('RUN', 'TOKEN'))
    LEFT JOIN "Budget" o ON o."scope" = s."scope" AND o."subject" = s."subject" AND o."period" = p."period"
    LEFT JOIN "Budget" d ON o."id" IS NULL AND d."scope" = s."scope" AND d."subject" = '*' AND d."period" = p."period"
    LEFT JOIN "AccessToken" t ON t."id" = CASE WHEN s."scope" = 'TOKEN' THEN s."subject"::uuid END
    LEFT JOIN "SpendingWindow" x ON x."scope" = s."scope" AND x."subject" = s."subject" AND x."period" = p."period"
      AND x."startsAt" = p."startsAt"
    WHERE o."id" IS NOT NULL OR d."id" IS NOT NULL OR s."scope" IN ('USER', 'RUN', 'TOKEN')
    ORDER BY s."place"
  LOOP
    v_count := v_count + 1;
    v_first[w."place"] := coalesce(v_first[w."place"], v_count);
    v_last[w."place"] := v_count;
    v_scopes[v_count] := w."scope";
    v_subjects[v_count] := w."subject";
    v_periods[v_count] := w."period";
    v_starts[v_count] := w."startsAt";
    v_budgets[v_count] := w."budget";
    v_named[v_count] := w."named";
    v_limits[v_count] := w."limit";
    v_added[v_count] := 0;
    v_missing := v_missing OR w."missing";
  END LOOP;
  IF v_missing THEN
    INSERT INTO "SpendingWindow" ("scope", "subject", "period", "startsAt", "createdAt")
    SELECT k.*, v_now FROM unnest(v_scopes, v_subjects, v_periods, v_starts) k ORDER BY 1, 2, 3, 4
    ON CONFLICT DO NOTHING;
  END IF;
  FOR w IN
    SELECT k."place", x."spent", x."held"
    FROM unnest(v_scopes, v_subjects, v_periods, v_starts)
      WITH ORDINALITY k("scope", "subject", "period", "startsAt", "place")
    JOIN "SpendingWindow" x ON x."scope" = k."scope" AND x."subject" = k."subject" AND x."period" = k."period"
      AND x."startsAt" = k."startsAt"
    ORDER BY x."scope", x."subject", x."period", x."startsAt" FOR UPDATE OF x
  LOOP
    v_spent[w."place"] := w."spent";
    v_held[w."place"] := w."held";
  END LOOP;

  FOR r IN SELECT * FROM jsonb_to_recordset(p_requests) AS q(
    "id" uuid, "userId" text, "places" integer[], "amounts" numeric(24, 12)[], "provisional" boolean
  ) LOOP
    v_blocked := NULL;
    FOR i IN 1..cardinality(r."places") LOOP
      CONTINUE WHEN v_first[r."places"[i]] IS NULL;
      v_amount := coalesce(r."amounts"[i], 0);
      FOR n IN v_first[r."places"[i]]..v_last[r."places"[i]] LOOP
        CONTINUE WHEN v_limits[n] IS NULL;
        v_room := v_limits[n] - v_spent[n] - v_held[n];
        CONTINUE WHEN v_amount <= v_room AND (r."amounts"[i] IS NOT NULL OR p_allow_unknown);
        -- Of several that have no room, the one for which waiting does not help, and then the tightest.
        v_final := v_spent[n] + v_amount > v_limits[n];
        IF v_blocked IS NULL OR (v_final, v_blocked_room) > (v_blocked_final, v_room) THEN
          v_blocked := n;
          v_blocked_room := v_room;
          v_blocked_final := v_final;
          v_blocked_amount := r."amounts"[i];
        END IF;
      END LOOP;
    END LOOP;
    IF v_blocked IS NULL THEN
      FOR i IN 1..cardinality(r."places") LOOP
        CONTINUE WHEN v_first[r."places"[i]] IS NULL OR r."amounts"[i] IS NULL;
        FOR n IN v_first[r."places"[i]]..v_last[r."places"[i]] LOOP
          v_held[n] := v_held[n] + r."amounts"[i];
          v_added[n] := v_added[n] + r."amounts"[i];
        END LOOP;
      END LOOP;
      CONTINUE;
    END IF;
    v_refused := v_refused || r."id";
    v_refusals := v_refusals || jsonb_build_object(
      'id', r."id", 'final', v_blocked_final, 'unknown', v_blocked_amount IS NULL, 'budgetId', v_budgets[v_blocked],
      'scope', v_scopes[v_blocked], 'subject', coalesce(v_named[v_blocked], v_subjects[v_blocked]),
      'period', v_periods[v_blocked], 'limit', trim_scale(v_limits[v_blocked])::text,
      'spent', trim_scale(v_spent[v_blocked])::text, 'held', trim_scale(v_held[v_blocked])::text,
      'resetsAt', ledger_window_end(v_periods[v_blocked], v_now, p_time_zone));
    IF v_blocked_final AND v_blocked_amount IS NOT NULL AND v_budgets[v_blocked] IS NOT NULL
        AND r."provisional" IS NOT TRUE THEN
      INSERT INTO "Alert" ("id", "kind", "message", "userId", "runId", "cost", "threshold", "crossing", "createdAt")
      SELECT ledger_new_id(), 'BUDGET_EXCEEDED',
        format('A call of %s was refused: it could cost up to $%s, and of the %s of $%s, $%s is spent.', r."userId",
          trim_scale(v_blocked_amount), ledger_budget_name(v_scopes[v_blocked], v_subjects[v_blocked], v_periods[v_blocked]),
          trim_scale(v_limits[v_blocked]), trim_scale(v_spent[v_blocked])),
        r."userId", NULL, v_spent[v_blocked], v_limits[v_blocked],
        ledger_crossing(v_budgets[v_blocked], v_subjects[v_blocked], v_starts[v_blocked], v_limits[v_blocked], 100)
          || ':refused', v_now
      ON CONFLICT ("crossing") DO NOTHING RETURNING * INTO v_alert;
      IF FOUND THEN v_alerts := v_alerts || ledger_alert_json(v_alert); END IF;
    END IF;
  END LOOP;

  UPDATE "SpendingWindow" x SET "held" = x."held" + k."added"
  FROM unnest(v_scopes, v_subjects, v_periods, v_starts, v_added) k("scope", "subject", "period", "startsAt", "added")
  WHERE k."added" > 0 AND x."scope" = k."scope" AND x."subject" = k."subject" AND x."period" = k."period"
    AND x."startsAt" = k."startsAt";
  INSERT INTO "Hold" ("id", "runId", "userId", "serverId", "amount", "dayStart", "monthStart", "estimate", "createdAt",
    "scopes", "subjects", "amounts")
  SELECT q."id", q."runId", q."userId", p_server, coalesce(q."amount", 0), v_day, v_month, q."estimate", v_now,
    q."scopes", q."subjects", array_replace(q."amounts", NULL, 0)
  FROM jsonb_to_recordset(p_requests) AS q("id" uuid, "runId" uuid, "userId" text, "amount" numeric, "estimate" jsonb,
    "scopes" text[], "subjects" text[], "amounts" numeric[])
  WHERE q."id" <> ALL (v_refused);
  RETURN jsonb_build_object('now', v_now, 'refusals', v_refusals, 'alerts', v_alerts);
END
$$;

-- As servers of the release before call it: users and runs alone. To be dropped with the view "BudgetWindow".
CREATE OR REPLACE FUNCTION ledger_hold(
  p_requests jsonb, p_users text[], p_envelopes text[], p_server uuid, p_time_zone text,
  p_allow_unknown boolean, p_now timestamptz
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_answer jsonb := ledger_hold(
    (SELECT jsonb_agg(r."request" || CASE WHEN r."request"->>'envelope' IS NULL
        THEN jsonb_build_object('scopes', jsonb_build_array('USER'), 'subjects', jsonb_build_array(r."request"->'userId'),
          'places', jsonb_build_array(array_position(p_users, r."request"->>'userId')),
          'amounts', jsonb_build_array(r."request"->'amount'))
        ELSE jsonb_build_object('scopes', jsonb_build_array('USER', 'RUN'),
          'subjects', jsonb_build_array(r."request"->'userId', r."request"->'envelopeRunId'),
          'places', jsonb_build_array(array_position(p_users, r."request"->>'userId'),
            cardinality(p_users) + array_position(p_envelopes, r."request"->>'envelope')),
          'amounts', jsonb_build_array(r."request"->'amount', r."request"->'amount'))
        END ORDER BY r."place")
      FROM jsonb_array_elements(p_requests) WITH ORDINALITY r("request", "place")),
    ARRAY(SELECT 'USER' FROM unnest(p_users) u UNION ALL SELECT 'RUN' FROM unnest(p_envelopes) e),
    p_users || ARRAY(SELECT substr(e, 5) FROM unnest(p_envelopes) WITH ORDINALITY x(e, "place") ORDER BY "place"),
    array_fill(NULL::numeric, ARRAY[cardinality(p_users)]) || ARRAY(
      SELECT (SELECT max((r->>'envelopeLimit')::numeric) FROM jsonb_array_elements(p_requests) r WHERE r->>'envelope' = e)
      FROM unnest(p_envelopes) WITH ORDINALITY x(e, "place") ORDER BY "place"),
    p_server, p_time_zone, p_allow_unknown, p_now);
BEGIN
  RETURN v_answer || jsonb_build_object('refusals', (
    SELECT coalesce(jsonb_agg(CASE f->>'scope'
      WHEN 'RUN' THEN f || jsonb_build_object('period', 'RUN', 'subject', 'run:' || (f->>'subject'))
      ELSE f END), '[]')
    FROM jsonb_array_elements(v_answer->'refusals') f));
END
$$;
