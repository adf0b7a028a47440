import { isRecord } from '../is-record.ts';
import { askedQuestion } from './prompt-text.ts';
import { constraint, propertiesOf, resolveReference } from './schema-value.ts';
import { rankByOverlap } from './word-overlap.ts';

/**
 * The answer to a prompt with `<passage number="1">…</passage>` elements whose schema has a list of `{ passage, rating }`,
 * whatever the rating is called: each passage by the words that it shares with the question. Null for any other.
 */
export function ratePassages(prompt: string, schema: unknown): Record<string, unknown> | null {
  const passages = passagesOf(prompt);
  const [list, ...others] = Object.entries(propertiesOf(schema));
  if (!list || others.length > 0 || passages.length === 0) return null;
  const name = list[0];
  const items = propertiesOf(itemsOf(list[1], schema));
  const rating = Object.entries(items).find(([key]) => key !== 'passage');
  if (!('passage' in items) || !rating || !isRecord(rating[1])) return null;
  const highest = constraint(rating[1], 'maximum') ?? 1;
  const ranked = rankByOverlap(askedQuestion(prompt), passages);
  const best = ranked[0]?.score ?? 1;
  const scores = new Map(ranked.map(({ passage, score }) => [passage, score / best]));
  return {
    [name]: passages.map(({ passage }) => ({
      passage,
      [rating[0]]: Math.round((scores.get(passage) ?? 0) * highest * 10) / 10,
    })),
  };
}

function itemsOf(list: unknown, root: unknown): unknown {
  if (!isRecord(list) || !isRecord(root)) return null;
  const items = list['items'];
  const reference = isRecord(items) ? items['$ref'] : undefined;
  return typeof reference === 'string' ? resolveReference(reference, root) : items;
}

/** By searching for their ends, since a lazy pattern takes quadratic time. */
function passagesOf(prompt: string): { passage: number; text: string }[] {
  return prompt
    .split('<passage number="')
    .slice(1)
    .flatMap((part) => {
      const head = part.indexOf('>');
      const end = part.indexOf('</passage>');
      const passage = Number.parseInt(part, 10);
      return end > head && Number.isInteger(passage)
        ? [{ passage, text: part.slice(head + 1, end) }]
        : [];
    });
}
