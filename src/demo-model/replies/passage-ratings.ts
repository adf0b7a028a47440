import { isRecord } from '../is-record.ts';
import { askedQuestion } from './prompt-text.ts';
import { constraint, propertiesOf, resolveReference } from './schema-value.ts';
import { rankByOverlap } from './word-overlap.ts';

/**
 * The answer to a prompt with `<passage number="1">…</passage>` elements whose schema has a list of `{ passage, rating }`,
 * under any name of the rating: each passage by the words that it shares with the question. Null for any other.
 */
export function ratePassages(prompt: string, schema: unknown): Record<string, unknown> | null {
  const passages = passagesOf(prompt);
  const [list, ...others] = Object.entries(propertiesOf(schema));
  if (!list || others.length > 0 || passages.length === 0) return null;
  const name = list[0];
  const items = propertiesOf(isRecord(list[1]) ? resolved(list[1]['items'], schema) : null);
  const rating = Object.keys(items).find((key) => key !== 'passage');
  if (!('passage' in items) || !rating) return null;
  const ratingSchema = resolved(items[rating], schema);
  const highest = (isRecord(ratingSchema) && constraint(ratingSchema, 'maximum')) || 1;
  const ranked = rankByOverlap(askedQuestion(prompt), passages);
  const best = ranked[0]?.score ?? 1;
  const scores = new Map(ranked.map(({ passage, score }) => [passage, score / best]));
  return {
    [name]: passages.map(({ passage }) => ({
      passage,
      [rating]: Math.round((scores.get(passage) ?? 0) * highest * 10) / 10,
    })),
  };
}

/** A part of a schema, or what it refers to. */
function resolved(part: unknown, root: unknown): unknown {
  const reference = isRecord(part) ? part['$ref'] : undefined;
  return typeof reference === 'string' && isRecord(root) ? resolveReference(reference, root) : part;
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
