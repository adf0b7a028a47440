import { LRUCache } from 'lru-cache';
import type { Queryable } from '../../data/database.ts';
import { indexWords } from '../terms/index-text.ts';
import { stemmingOf } from '../terms/script-words.ts';

export interface QueryTerms {
  /** The terms of a question as the index has them, with how often each occurs in it. Stop words are none. */
  of(query: string): Promise<Map<string, number>>;
}

const maxWords = 200;

/** The database stems, so that a question's terms are those of the index; the stems of a word are cached. */
export function createQueryTerms(database: Queryable): QueryTerms {
  const stems = new LRUCache<string, string[]>({ max: 20_000 });
  return {
    async of(query) {
      const words = indexWords(query, 'query').slice(0, maxWords);
      const stemmed = new Map<string, string[]>();
      for (const word of words) {
        const known = stems.get(word);
        if (known) stemmed.set(word, known);
      }
      const unknown = [...new Set(words)].filter((word) => !stemmed.has(word));
      if (unknown.length > 0) {
        const rows = await database.query<{ word: string; terms: string[] }>(
          `SELECT word, ARRAY (SELECT lexeme FROM unnest(to_tsvector(stemming::regconfig, word))) AS terms
           FROM unnest($1::text[], $2::text[]) AS input (word, stemming)`,
          [unknown, unknown.map(stemmingOf)],
          { prepared: true },
        );
        for (const { word, terms } of rows) {
          stems.set(word, terms);
          stemmed.set(word, terms);
        }
      }
      const counts = new Map<string, number>();
      for (const word of words)
        for (const term of stemmed.get(word) ?? []) counts.set(term, (counts.get(term) ?? 0) + 1);
      return counts;
    },
  };
}
