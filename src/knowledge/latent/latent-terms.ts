import { stemmer } from 'stemmer';
import { indexWords } from '../terms/index-text.ts';

/** The stemmed words of a text with how often they occur, as the latent space knows them. */
export function latentTerms(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of indexWords(text, 'query')) {
    if (word.length > 60) continue;
    const term = stemmer(word);
    counts.set(term, (counts.get(term) ?? 0) + 1);
  }
  return counts;
}
