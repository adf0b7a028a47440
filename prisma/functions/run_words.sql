-- The words of what was asked and answered in a run: of every text of its question, message or prompt (variables
-- included) and of its answer, the first 50,000 characters each. Characters of scripts that are written without spaces
-- stand alone, as in run_word_query. No other function of ours is called: an index is made of it.
CREATE OR REPLACE FUNCTION run_words(input jsonb, said text) RETURNS tsvector
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
