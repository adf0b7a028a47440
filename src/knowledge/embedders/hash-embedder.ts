import type { Embedder } from '../../kernel/embedder.ts';
import { foldText } from '../terms/fold-text.ts';
import { isPaired, scriptRuns } from '../terms/script-words.ts';
import { gramRarity } from './gram-rarity.ts';

const dimensions = 512;
/** Grams are told apart by 17 bits of their hash: the low nine name the dimension, the tenth the sign. */
const cells = 2 ** 17;
/** The inverse document frequency of the grams of a cell, with its sign. */
const cellWeights = Float32Array.from({ length: cells }, (_, cell) => {
  const bucket = cell >>> 3;
  const rarity = (((gramRarity[bucket >>> 1]! >>> (4 * (bucket & 1))) & 15) + 1) / 2;
  return cell & dimensions ? -rarity : rarity;
});
const frequencyWeights = Float32Array.from({ length: 2 ** 16 }, (_, count) => 1 + Math.log(count));
const textsPerTurn = 64;
const shortestGram = 3;
const maxGramLength = 5;
const maxWordLength = 40;
const cachedWords = 50_000;
/** Of scripts that set no words apart. */
const maxRunGram = 3;
const wordPattern = /[\p{L}\p{N}\p{M}]+/gu;

/**
 * The built-in embedder: character 3- to 5-grams of each word, hashed into 512 signed dimensions and weighted by how
 * rare they are in English; of Chinese, Japanese and Korean 1- to 3-grams. It is a subword measure, not a semantic one: it finds inflections, compounds, typing errors
 * and names, needs no model, and makes the same vector everywhere and for ever.
 */
export function createHashEmbedder(): Embedder {
  const cellsOf = createCellCache();
  const counts = new Uint32Array(cells);
  return {
    name: `hash-${dimensions}`,
    dimensions,
    weight: 0.2,
    async embed(texts, { signal }) {
      const vectors: number[][] = [];
      for (const text of texts) {
        signal?.throwIfAborted();
        vectors.push(embedText(text, cellsOf, counts));
        if (vectors.length % textsPerTurn === 0) await new Promise(setImmediate);
      }
      return { vectors, billedTokens: 0 };
    },
  };
}

/** `counts` is all zero before and after: clearing what a text touched is cheaper than a new table for each. */
function embedText(
  text: string,
  cellsOf: (word: string) => Uint32Array,
  counts: Uint32Array,
): number[] {
  const touched: number[] = [];
  for (const [word] of foldText(text).toLowerCase().matchAll(wordPattern)) {
    for (const run of scriptRuns(word)) {
      for (const cell of isPaired(run) ? cellsOfRun(run) : cellsOf(run))
        if (counts[cell]!++ === 0) touched.push(cell);
    }
  }
  const vector = new Float64Array(dimensions);
  for (const cell of touched) {
    vector[cell % dimensions]! +=
      frequencyWeights[Math.min(counts[cell]!, 65_535)]! * cellWeights[cell]!;
    counts[cell] = 0;
  }
  return normalised(vector);
}

function normalised(vector: Float64Array): number[] {
  let squares = 0;
  for (const value of vector) squares += value * value;
  if (squares === 0) return new Array<number>(dimensions).fill(0);
  const scale = 1e6 / Math.sqrt(squares);
  const result = new Array<number>(dimensions);
  // Six decimals are all that a float4 keeps, and they halve what travels to the database.
  for (let at = 0; at < dimensions; at++) result[at] = Math.round(vector[at]! * scale) / 1e6;
  return result;
}

function createCellCache(): (word: string) => Uint32Array {
  const cache = new Map<string, Uint32Array>();
  return (word) => {
    const known = cache.get(word);
    if (known) return known;
    const computed = cellsOfWord(word.slice(0, maxWordLength));
    if (cache.size >= cachedWords) cache.clear();
    cache.set(word, computed);
    return computed;
  };
}

const cellsOfWord = (word: string): Uint32Array =>
  cellsOfGrams(`<${word}>`, shortestGram, maxGramLength);

const cellsOfRun = (run: string): Uint32Array => cellsOfGrams(run, 1, maxRunGram);

function cellsOfGrams(text: string, shortest: number, longest: number): Uint32Array {
  const found: number[] = [];
  for (let size = shortest; size <= longest; size++) {
    for (let start = 0; start + size <= text.length; start++)
      found.push(fnv1a(text.slice(start, start + size)) % cells);
  }
  return Uint32Array.from(found);
}

/** FNV-1a, 32 bits, with a final mix so that the low bits that choose the dimension depend on every character. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
