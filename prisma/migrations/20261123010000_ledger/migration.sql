-- The run whose `maxCost` the hold draws from.
ALTER TABLE "Hold" ADD COLUMN "envelopeRunId" UUID;
-- A run's window starts at the epoch, so its age stands here.
ALTER TABLE "BudgetWindow" ADD COLUMN "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP;
ALTER TABLE "Alert" ADD COLUMN "deliveryAttempts" INTEGER NOT NULL DEFAULT 0,
  ADD COLUMN "deliverAfter" TIMESTAMPTZ(3);
-- Rows that are updated on every call: room for the new version beside the old spares the index.
ALTER TABLE "BudgetWindow" SET (fillfactor = 50);

-- A UUID version 7 for rows that are made in SQL.
CREATE FUNCTION ledger_new_id() RETURNS uuid LANGUAGE sql VOLATILE AS $$
  SELECT encode(
    set_bit(set_bit(
      overlay(
        uuid_send(gen_random_uuid())
        PLACING substring(int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
        FROM 1 FOR 6
      ), 52, 1), 53, 1),
    'hex')::uuid
$$;

-- An alert row as JSON, money as text so that no reader makes floats of it.
CREATE FUNCTION ledger_alert_json(alert "Alert") RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object(
    'id', alert."id", 'kind', alert."kind", 'message', alert."message", 'userId', alert."userId",
    'runId', alert."runId", 'cost', trim_scale(alert."cost")::text,
    'threshold', trim_scale(alert."threshold")::text, 'createdAt', alert."createdAt")
$$;

-- The end of the window of `period` that contains `moment`.
CREATE FUNCTION ledger_window_end(period text, moment timestamptz, time_zone text) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
  SELECT CASE period
    WHEN 'DAILY' THEN (date_trunc('day', moment AT TIME ZONE time_zone) + interval '1 day') AT TIME ZONE time_zone
    WHEN 'MONTHLY' THEN (date_trunc('month', moment AT TIME ZONE time_zone) + interval '1 month') AT TIME ZONE time_zone
    ELSE timestamptz '9999-12-31 23:59:59.999Z'
  END
$$;

-- Reserves room for a batch of calls, each alone, in the order given; calls of one user must stand together.
-- p_requests: [{id, runId, userId, amount | null, envelopeRunId | null, envelopeLimit | null, estimate}].
-- p_users and p_envelopes name each window's owner once. Answers {now, refusals, alerts}; who is not refused is held.
--
-- All windows are made and locked first, in the order of their key, as in ledger_settle: no two batches deadlock, and
-- nothing that is read below can change before the commit.
CREATE FUNCTION ledger_hold(
  p_requests jsonb, p_users text[], p_envelopes text[], p_server uuid, p_time_zone text,
  p_allow_unknown boolean, p_now timestamptz
) RETURNS jsonb LANGUAGE plpgsql SET lock_timeout = '4s' AS $$
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
    "envelopeRunId" uuid, "envelopeLimit" numeric(24, 12)
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
      IF v_blocked."final" AND r."amount" IS NOT NULL AND v_blocked."period" <> 'RUN' THEN
        INSERT INTO "Alert" ("id", "kind", "message", "userId", "runId", "cost", "threshold", "crossing", "createdAt")
        SELECT ledger_new_id(), 'BUDGET_EXCEEDED',
          format('A call of %s was refused: it could cost up to $%s, and of the %s budget of $%s, $%s is spent.',
            v_user, trim_scale(v_amount), lower(v_blocked."period"), trim_scale(v_blocked."limit"),
            trim_scale(v_blocked."spent")),
          v_user, NULL, v_blocked."spent", v_blocked."limit",
          ledger_crossing(v_blocked."id", v_user, v_blocked."startsAt", v_blocked."limit", 100), v_now
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

-- Names the crossing of a mark in one window, under one limit: a changed limit is another crossing.
CREATE FUNCTION ledger_crossing(budget uuid, user_id text, starts_at timestamptz, budget_limit numeric, percent integer)
RETURNS text LANGUAGE sql STABLE AS $$
  SELECT concat_ws(':', 'budget', budget, user_id, extract(epoch FROM starts_at)::bigint, trim_scale(budget_limit), percent)
$$;

-- Ends holds and writes usage records with all that follows from them: windows, alerts.
-- p_holds: every hold that ends, settled or released. p_records: usage rows as JSON; `createdAt` null means now.
-- p_envelopes: {record id: run id} where a run's own bound is drawn from. p_only_held: write only records whose hold
-- was still there (the sweep of a dead server: whoever takes the hold writes the record).
-- Answers {now, written, stored, alerts}; `stored` are the rows that were there before.
--
-- Locks in this order everywhere: holds by id, records by id, windows by key, alerts.
CREATE FUNCTION ledger_settle(
  p_holds uuid[], p_records jsonb, p_envelopes jsonb, p_only_held boolean, p_time_zone text,
  p_high_cost numeric, p_now timestamptz
) RETURNS jsonb LANGUAGE plpgsql SET lock_timeout = '4s' AS $$
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
