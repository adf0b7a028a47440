DROP INDEX "Run_userId_createdAt_idx";

ALTER TABLE "Run"
  ADD COLUMN "tags" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[],
  ADD COLUMN "metadata" JSONB,
  ADD COLUMN "promptName" TEXT,
  ADD COLUMN "continuesRunId" UUID,
  ADD COLUMN "conversationId" UUID,
  ADD COLUMN "conversationOrder" INTEGER,
  ADD COLUMN "cost" DECIMAL(24,12);

CREATE TABLE "RunTag" (
    "tag" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "runId" UUID NOT NULL,

    CONSTRAINT "RunTag_pkey" PRIMARY KEY ("tag","createdAt","runId")
);

-- One index for each filter of the list of runs, in the list's own order: a page is read from one place of it.
CREATE INDEX "Run_createdAt_id_idx" ON "Run"("createdAt", "id");
CREATE INDEX "Run_userId_createdAt_id_idx" ON "Run"("userId", "createdAt", "id");
CREATE INDEX "Run_kind_createdAt_id_idx" ON "Run"("kind", "createdAt", "id");
CREATE INDEX "Run_model_createdAt_id_idx" ON "Run"("model", "createdAt", "id");
CREATE INDEX "Run_prompt" ON "Run"("promptName", "createdAt", "id") WHERE "promptName" IS NOT NULL;
CREATE INDEX "Run_agent" ON "Run"("agent", "createdAt", "id") WHERE "agent" IS NOT NULL;
CREATE INDEX "Run_conversation" ON "Run"("conversationId", "createdAt", "id") WHERE "conversationId" IS NOT NULL;
CREATE INDEX "Run_errorCode" ON "Run"((error->>'code'), "createdAt", "id") WHERE error IS NOT NULL;
-- Runs that succeeded are nearly all: they are found among all of them.
CREATE INDEX "Run_status" ON "Run"("status", "createdAt", "id") WHERE "status" <> 'SUCCEEDED';

-- Runs of at least a cost are a few steps of this index, each in the list's order.
CREATE FUNCTION run_cost_step(cost numeric) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN cost > 0 THEN floor(ln(cost::float8) / ln(2::float8))::integer END
$$;
CREATE INDEX "Run_costStep" ON "Run"(run_cost_step("cost"), "createdAt", "id") WHERE "cost" > 0;

CREATE FUNCTION run_words(input jsonb, said text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT to_tsvector('simple', CASE
    WHEN octet_length(words) = char_length(words) THEN words
    ELSE regexp_replace(words, '([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])', ' \1 ', 'g')
  END)
  FROM (
    SELECT left(coalesce(string_agg(value #>> '{}', ' '), ''), 50000) || ' ' || left(said, 50000) AS words
    FROM jsonb_path_query(
      jsonb_build_array(input->'question', input->'message', input->'prompt'),
      'strict $.** ? (@.type() == "string")'
    ) AS value
  ) AS run
$$;
CREATE FUNCTION run_word_query(word text) RETURNS tsquery
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT phraseto_tsquery('simple', regexp_replace(word, '([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])', ' \1 ', 'g'))
$$;
CREATE INDEX "Run_words" ON "Run" USING gin (run_words("input", "text")) WHERE "finishedAt" IS NOT NULL;
