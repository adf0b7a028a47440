import { contentWords, rankByOverlap } from './word-overlap.ts';

const POSITIVE = new Set(
  (
    'amazing awesome beautiful best brilliant delight delighted delightful easy enjoy enjoyed excellent fantastic fast ' +
    'friendly glad good great happy helpful impressed incredible like liked love loved lovely nice outstanding perfect ' +
    'perfectly pleasant pleased recommend reliable satisfied smooth superb thank thanks wonderful works'
  ).split(' '),
);
const NEGATIVE = new Set(
  (
    'annoyed annoying angry awful bad boring broke broken bug buggy confusing crash crashed crashes defective ' +
    'disappointed disappointing dislike error fail failed fails frustrated frustrating garbage hate hated horrible late ' +
    'mediocre nightmare poor problem refund rude sad slow stopped terrible ugly unacceptable unhappy unusable upset ' +
    'useless waste worse worst wrong'
  ).split(' '),
);
const NEGATION =
  /^(?:not|never|no|hardly|isn't|wasn't|don't|doesn't|didn't|can't|won't|isn’t|wasn’t|don’t|doesn’t|didn’t)$/;
const URGENT =
  /\b(?:urgent|immediately|asap|critical|emergency|outage|down|production|security|cannot|can't)\b/i;

/** A text with the label it was given: a few-shot example. */
export interface LabelledText {
  text: string;
  label: string;
}

/**
 * Picks the label for a text by, in order: opinion words (where the labels name sentiments), urgency words (where
 * they name a priority), a label that occurs in the text, the most similar example, the first label.
 */
export function chooseLabel(
  text: string,
  labels: readonly string[],
  examples: readonly LabelledText[] = [],
): string {
  const named = (pattern: RegExp) => labels.find((label) => pattern.test(label));
  const positive = named(/^(?:very[ _-]?)?positive|^pos$/i);
  const negative = named(/^(?:very[ _-]?)?negative|^neg$/i);
  if (positive !== undefined && negative !== undefined) {
    const { up, down } = opinionWords(text);
    const mixed = named(/^mixed/i);
    if (mixed !== undefined && up > 0 && down > 0) return mixed;
    if (up === down) return named(/^neutral/i) ?? mixed ?? positive;
    return up > down ? positive : negative;
  }
  const high = named(/^(?:high|urgent|critical)$/i);
  if (high !== undefined && URGENT.test(text)) return high;
  return (
    labelInText(text, labels) ?? labelOfNearestExample(text, labels, examples) ?? labels[0] ?? ''
  );
}

function opinionWords(text: string): { up: number; down: number } {
  const words = text.toLowerCase().match(/[\p{L}'’]+/gu) ?? [];
  let up = 0;
  let down = 0;
  words.forEach((word, index) => {
    const direction = POSITIVE.has(word) ? 1 : NEGATIVE.has(word) ? -1 : 0;
    const negated = words
      .slice(Math.max(0, index - 2), index)
      .some((before) => NEGATION.test(before));
    if (direction * (negated ? -1 : 1) > 0) up += 1;
    else if (direction !== 0) down += 1;
  });
  return { up, down };
}

function labelInText(text: string, labels: readonly string[]): string | undefined {
  const lower = ` ${text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, ' ')} `;
  const spoken = labels.find((label) =>
    lower.includes(` ${label.toLowerCase().replaceAll(/[_-]/g, ' ')} `),
  );
  if (spoken !== undefined) return spoken;
  const words = contentWords(text);
  return labels.find((label) =>
    [...contentWords(label.replaceAll(/[_-]/g, ' '))].some((word) => words.has(word)),
  );
}

function labelOfNearestExample(
  text: string,
  labels: readonly string[],
  examples: readonly LabelledText[],
): string | undefined {
  const usable = examples.filter(({ label }) => labels.includes(label));
  return rankByOverlap(
    text,
    usable.map((example) => ({ passage: example.label, text: example.text })),
  )[0]?.passage;
}
