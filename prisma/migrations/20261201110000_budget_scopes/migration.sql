-- Budgets of other subjects than users.
ALTER TABLE "Budget" ADD COLUMN "scope" TEXT NOT NULL DEFAULT 'USER';
DROP INDEX "Budget_subject_period_key";
CREATE UNIQUE INDEX "Budget_scope_subject_period_key" ON "Budget"("scope", "subject", "period");

ALTER TABLE "UsageRecord" ADD COLUMN "groups" TEXT[] DEFAULT ARRAY[]::TEXT[],
  ADD COLUMN "tags" TEXT[] DEFAULT ARRAY[]::TEXT[],
  ADD COLUMN "agent" TEXT,
  ADD COLUMN "conversationId" UUID;

-- The windows of all scopes. Those of runs are named "run:…" in the former column of users.
ALTER TABLE "BudgetWindow" RENAME TO "SpendingWindow";
ALTER TABLE "SpendingWindow" RENAME COLUMN "userId" TO "subject";
ALTER TABLE "SpendingWindow" ADD COLUMN "scope" TEXT NOT NULL DEFAULT 'USER';
UPDATE "SpendingWindow" SET "scope" = 'RUN', "subject" = substr("subject", 5), "period" = 'TOTAL' WHERE "period" = 'RUN';
ALTER TABLE "SpendingWindow" ALTER COLUMN "scope" DROP DEFAULT;
ALTER TABLE "SpendingWindow" DROP CONSTRAINT "BudgetWindow_pkey";
ALTER TABLE "SpendingWindow"
  ADD CONSTRAINT "SpendingWindow_pkey" PRIMARY KEY ("scope", "subject", "period", "startsAt");
-- For servers of the release before, which read it.
CREATE VIEW "BudgetWindow" AS
  SELECT "subject" AS "userId", "period", "startsAt", "spent", "held", "createdAt" FROM "SpendingWindow"
  WHERE "scope" = 'USER';

ALTER TABLE "Hold" ADD COLUMN "scopes" TEXT[] DEFAULT ARRAY[]::TEXT[],
  ADD COLUMN "subjects" TEXT[] DEFAULT ARRAY[]::TEXT[],
  ADD COLUMN "amounts" DECIMAL(24,12)[] DEFAULT ARRAY[]::DECIMAL(24,12)[];
UPDATE "Hold" SET "scopes" = array_remove(ARRAY['USER', CASE WHEN "envelopeRunId" IS NOT NULL THEN 'RUN' END], NULL),
  "subjects" = array_remove(ARRAY["userId", "envelopeRunId"::text], NULL),
  "amounts" = CASE WHEN "envelopeRunId" IS NULL THEN ARRAY["amount"] ELSE ARRAY["amount", "amount"] END;

ALTER TABLE "Run" ADD COLUMN "accessTokens" UUID[];

CREATE TABLE "AccessToken" (
    "id" UUID NOT NULL,
    "hash" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "groups" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "roles" TEXT[],
    "scopes" JSONB,
    "apiKeyId" UUID,
    "lineage" UUID[],
    "maxCost" DECIMAL(24,12),
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "createdBy" TEXT NOT NULL,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,
    "revokedAt" TIMESTAMPTZ(3),

    CONSTRAINT "AccessToken_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "AccessToken_hash_key" ON "AccessToken"("hash");
CREATE INDEX "AccessToken_expiresAt_idx" ON "AccessToken"("expiresAt");

-- The subjects of a budget scope that a usage record is charged to.
CREATE OR REPLACE FUNCTION ledger_subjects(scope text, record "UsageRecord") RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE scope
    WHEN 'USER' THEN ARRAY[record."userId"]
    WHEN 'GROUP' THEN record."groups"
    WHEN 'API_KEY' THEN array_remove(ARRAY[record."apiKeyId"::text], NULL)
    WHEN 'TAG' THEN record."tags"
    WHEN 'MODEL' THEN ARRAY[record."model"]
    WHEN 'EVERYTHING' THEN ARRAY['*']
  END
$$;

-- A budget in a sentence: "monthly budget of group sales".
CREATE OR REPLACE FUNCTION ledger_budget_name(scope text, subject text, period text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT lower(period) || ' budget' || CASE scope
    WHEN 'USER' THEN '' WHEN 'EVERYTHING' THEN ' of everything'
    ELSE format(' of %s %s', replace(lower(scope), '_', ' '), subject) END
$$;

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
