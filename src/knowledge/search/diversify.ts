import type { SearchHit } from '../../kernel/run.ts';
import { countCommon } from '../count-common.ts';
import { indexWords } from '../terms/index-text.ts';

/**
 * Maximal marginal relevance (Carbonell and Goldstein 1998): picks `count` hits one by one, each time the one whose score,
 * less `diversity` times its likeness to what is already picked, is highest. Likeness is the share of common words
 * (Jaccard), which needs no vectors and finds what bothers a reader: overlapping and copied passages.
 */
export function diversify(
  hits: readonly SearchHit[],
  count: number,
  diversity: number,
): SearchHit[] {
  const pool = hits.map((hit) => ({
    hit,
    words: new Set(indexWords(hit.content, 'query')),
    like: 0,
  }));
  const picked: SearchHit[] = [];
  const value = ({ hit, like }: (typeof pool)[number]): number =>
    (1 - diversity) * hit.score - diversity * like;
  while (picked.length < count && pool.length > 0) {
    let best = 0;
    for (let at = 1; at < pool.length; at++) if (value(pool[at]!) > value(pool[best]!)) best = at;
    const [chosen] = pool.splice(best, 1);
    picked.push(chosen!.hit);
    for (const other of pool)
      other.like = Math.max(other.like, jaccard(chosen!.words, other.words));
  }
  return picked;
}

function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const common = countCommon(a, b);
  return common === 0 ? 0 : common / (a.size + b.size - common);
}
