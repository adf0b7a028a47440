import type { PriceRow } from './price-table.ts';

/**
 * US dollars per million tokens of hosted embedders. Voyage: docs.voyageai.com/docs/pricing (as of May 2026, free
 * allowances not counted). Others have no sourced price here and cost null, unless a price file names them.
 */
const hosted: ReadonlyMap<string, string> = new Map([
  ['voyage-4-large', '0.12'],
  ['voyage-4', '0.06'],
  ['voyage-4-lite', '0.02'],
  ['voyage-3-large', '0.18'],
  ['voyage-3.5', '0.06'],
  ['voyage-3.5-lite', '0.02'],
  ['voyage-code-3', '0.18'],
]);

/**
 * The rate of an embedder by its name ("voyage-3.5:1024": what follows the colon is the vectors' size); "0" for the
 * built-in one ("hash-512") and any named "local/…", null when not known. A row's `input` of the same name goes first.
 */
export function embeddingRate(
  embedder: string,
  rowOf: (name: string) => PriceRow | null,
): string | number | null {
  const name = embedder.replace(/:\d+$/, '');
  const own = rowOf(embedder)?.input ?? rowOf(name)?.input;
  if (own !== undefined && own !== null) return own;
  if (/^(hash-\d+$|local\/)/.test(name)) return '0';
  return hosted.get(name) ?? null;
}
