-- What finds a word among run_words: a phrase, where the word is of a script that is written without spaces.
CREATE OR REPLACE FUNCTION run_word_query(word text) RETURNS tsquery
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT phraseto_tsquery('simple', regexp_replace(word, '([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])', ' \1 ', 'g'))
$$;
