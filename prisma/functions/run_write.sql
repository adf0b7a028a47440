-- Stores in one transaction what a server has to store of its runs and of the calls made for them, for any number of
-- runs. Begin of a run: its row, its first events, the room for its first call. Finish: the bill, the last events, the
-- final row. Every argument but the last five may be null.
-- p_runs: new rows of "Run". p_owners: [{owner, runId, epoch, serverId}], the logs written to, by the numbers that p_events
-- [{owner, runId, position, length, type, payload, at}] and p_patches [{owner, runId, patch}] name them by: what another
-- server has taken over is left out. p_settle: {holds, records, envelopes} as in ledger_settle. p_hold: {requests, users,
-- envelopes} as in ledger_hold; what is settled makes room for what is held.
-- Returns {own, settled, held}: the numbers of the logs that are still this server's, and the answers of the ledger.
--
-- Writing it again does no harm but for p_hold. Locks are taken in this order: runs by id, then the ledger's.
CREATE OR REPLACE FUNCTION run_write(
  p_runs jsonb, p_owners jsonb, p_events json, p_patches jsonb, p_settle jsonb, p_hold jsonb,
  p_server uuid, p_time_zone text, p_high_cost numeric, p_allow_unknown boolean, p_now timestamptz
) RETURNS jsonb LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
  v_own integer[];
  v_settled jsonb;
  v_held jsonb;
BEGIN
  IF p_runs IS NOT NULL THEN
    INSERT INTO "Run" ("id", "kind", "status", "userId", "groups", "roles", "scopes", "apiKeyId", "requestId", "serverId",
      "parentRunId", "input", "model", "agent", "onDisconnect", "maxCost", "createdAt", "deadlineAt", "tags", "metadata",
      "continuesRunId", "conversationId", "conversationOrder")
    SELECT n."id", n."kind", n."status", n."userId", n."groups", n."roles", n."scopes", n."apiKeyId", n."requestId",
      n."serverId", n."parentRunId", n."input", n."model", n."agent", n."onDisconnect", n."maxCost", n."createdAt",
      n."deadlineAt", n."tags", n."metadata", n."continuesRunId", n."conversationId", n."conversationOrder"
    FROM jsonb_populate_recordset(NULL::"Run", p_runs) n
    ON CONFLICT ("id") DO NOTHING;
    INSERT INTO "RunTag" ("tag", "createdAt", "runId")
    SELECT t, n."createdAt", n."id" FROM jsonb_populate_recordset(NULL::"Run", p_runs) n, unnest(n."tags") t
    ON CONFLICT DO NOTHING;
  END IF;
  IF p_owners IS NOT NULL THEN
    -- The share lock keeps a server that takes a run over, and updates the row, waiting until this is committed: nothing
    -- appears after what it has read.
    SELECT coalesce(array_agg(o."owner"), '{}') INTO v_own FROM (
      SELECT o."owner"
      FROM jsonb_to_recordset(p_owners) AS o("owner" integer, "runId" uuid, "epoch" integer, "serverId" uuid)
      JOIN "Run" r ON r."id" = o."runId" AND r."epoch" = o."epoch" AND r."serverId" = o."serverId"
      ORDER BY r."id" FOR SHARE OF r
    ) o;
  END IF;
  IF p_events IS NOT NULL THEN
    INSERT INTO "RunEvent" ("runId", "position", "length", "type", "payload", "at")
    SELECT e."runId", e."position", e."length", e."type", e."payload", e."at"
    FROM json_to_recordset(p_events) AS e(
      "owner" integer, "runId" uuid, "position" integer, "length" integer, "type" text, "payload" json, "at" timestamptz)
    WHERE e."owner" = ANY (v_own)
    ON CONFLICT DO NOTHING;
  END IF;
  IF p_settle IS NOT NULL THEN
    v_settled := ledger_settle(
      ARRAY(SELECT h::uuid FROM jsonb_array_elements_text(p_settle->'holds') h), p_settle->'records', p_settle->'envelopes',
      false, p_time_zone, p_high_cost, p_now);
  END IF;
  IF p_patches IS NOT NULL THEN
    -- A column that a patch does not name keeps its value. The end of a run sets its cost.
    UPDATE "Run" r SET "status" = n."status", "model" = n."model", "promptVersionId" = n."promptVersionId",
      "promptName" = n."promptName", "experimentId" = n."experimentId", "variant" = n."variant",
      "finishedAt" = n."finishedAt", "deadlineAt" = n."deadlineAt", "continuesRunId" = n."continuesRunId", "durationMs" = n."durationMs",
      "timeToFirstTokenMs" = n."timeToFirstTokenMs", "text" = n."text", "output" = n."output",
      "outputSelection" = n."outputSelection", "stopReason" = n."stopReason", "cached" = n."cached",
      "degraded" = n."degraded", "error" = n."error",
      "cost" = CASE WHEN p."patch" ? 'finishedAt' THEN (
        SELECT CASE WHEN bool_or(u."cost" IS NULL) THEN NULL ELSE coalesce(sum(u."cost"), 0) END
        FROM "UsageRecord" u WHERE u."runId" = r."id"
      ) ELSE r."cost" END
    FROM jsonb_to_recordset(p_patches) AS p("owner" integer, "runId" uuid, "patch" jsonb)
    JOIN "Run" o ON o."id" = p."runId"
    CROSS JOIN LATERAL jsonb_populate_record(o, p."patch") n
    WHERE r."id" = o."id" AND p."owner" = ANY (v_own);
  END IF;
  IF p_hold IS NOT NULL THEN
    v_held := ledger_hold(
      p_hold->'requests', ARRAY(SELECT jsonb_array_elements_text(p_hold->'users')),
      ARRAY(SELECT jsonb_array_elements_text(p_hold->'envelopes')), p_server, p_time_zone, p_allow_unknown, p_now);
  END IF;
  RETURN jsonb_build_object('own', to_jsonb(v_own), 'settled', v_settled, 'held', v_held);
END
$$;
