import { createHash } from 'node:crypto';

/** A number above 0 and below 1, the same for the same text everywhere. */
function uniform(text: string): number {
  const digest = createHash('sha256').update(text).digest();
  return (Number(digest.readBigUInt64BE() >> 12n) + 0.5) / 2 ** 52;
}

/**
 * The variant of a subject: weighted rendezvous hashing (Thaler and Ravishankar 1998; the logarithmic weights are
 * Schindler and Mohr's). Each variant draws u = the first 52 bits of SHA-256 of the JSON array [experiment, variant,
 * subject], as a number between 0 and 1, and the largest weight / -ln(u) wins. It depends on these names and weights
 * alone, so every server and every client that computes it agrees; variants win in proportion to their weights; and
 * when one weight grows (or a variant is added) subjects only move to it, when it shrinks they only leave it. Of two
 * that draw the same the first by name wins, in whatever order they are given.
 *
 * `variants` must not be empty and their weights above 0.
 */
export function assignVariant<Variant extends { name: string; weight: number }>(
  experiment: string,
  variants: readonly Variant[],
  subject: string,
): Variant {
  const [first, ...rest] = variants.map((variant) => ({
    variant,
    score: variant.weight / -Math.log(uniform(JSON.stringify([experiment, variant.name, subject]))),
  }));
  if (!first) throw new Error(`experiment "${experiment}" has no variants`);
  return rest.reduce((best, other) => {
    if (other.score !== best.score) return other.score > best.score ? other : best;
    return other.variant.name < best.variant.name ? other : best;
  }, first).variant;
}
