import { foldText } from './fold-text.ts';
import { type Purpose, type Stemming, scriptWords, stemmingOf } from './script-words.ts';

/**
 * Raise it when other words come of the same text, with a migration that lets the index "Chunk_outdated" cover the former
 * version, and say in `isOutdated` which texts they are.
 */
export const indexVersion = 2;

const outdated =
  /[^\P{L}A-Za-z]|\p{M}|[^\P{Nd}0-9]|\+\+|#|\.(?:js|net|JS|NET|Net)|(?<![^\s("'“[])\.\p{L}/u;

/** May a text have had other words, or another vector of the built-in embedder, by the rules of the version before? */
export const isOutdated = (text: string): boolean => outdated.test(text);

/** The words of a text, with spaces between, by the stemming that they go through in the database. */
export type IndexText = Partial<Record<Stemming, string>>;

const tokens = new RegExp(
  [
    // Numbers.
    String.raw`\p{N}+(?:[.,]\p{N}+)+`,
    // Names that begin with a dot, as .NET; the call of a method on a line of its own is none.
    String.raw`(?<![^\s("'“[])\.(?=\p{L})[\p{L}\p{N}\p{M}]+(?![\p{L}\p{N}\p{M}(])`,
    // C#, F#.
    String.raw`(?<![\p{L}\p{N}])\p{L}{1,2}#(?![\p{L}\p{N}])`,
    // Words, and C++.
    String.raw`[\p{L}\p{N}\p{M}]+(?:\+\+)?`,
  ].join('|'),
  'gu',
);
const camelParts = /\p{Lu}+(?!\p{Ll})|\p{Lu}?\p{Ll}+|[\p{Lo}\p{Lm}\p{M}]+|\p{N}+/gu;
const mixed = /\p{Ll}\p{Lu}|\p{Lu}\p{Lu}\p{Ll}|\p{L}\p{N}|\p{N}\p{L}/u;
/** Names that are also written as one word. */
const dottedNames = /(?<![\p{L}\p{N}.])(\p{L}+)\.(js|net)(?![\p{L}\p{N}])/giu;
/** "C" is not what "C++" is about. */
const shortName = 2;

/**
 * The words of a text as the keyword index counts them, before stemming and stop words, which are the database's: folded
 * and in lower case; dotted and snake_case names in their parts, a camelCase name whole and in its parts; pairs and words
 * of scripts without spaces. "C++", "C#" and ".NET" are words of their own, "Node.js" also is "nodejs". Nothing in a word
 * is left for the database's own parser to take for a host, a file or a tag.
 */
export function indexWords(text: string, purpose: Purpose = 'index'): string[] {
  const words: string[] = [];
  const folded = foldText(text);
  for (const [token] of folded.matchAll(tokens)) {
    const name = signedName(token);
    if (name) words.push(name);
    const bare = name ? token.replace(/^\.|[+#]+$/g, '') : token;
    if (name && bare.length <= shortName && !token.startsWith('.')) continue;
    const found = scriptWords(bare, purpose);
    words.push(...found);
    if (found[0] === bare && mixed.test(bare)) words.push(...partsOf(bare));
  }
  for (const [, name, ending] of folded.matchAll(dottedNames)) words.push(`${name}${ending}`);
  return words.map((word) => word.toLowerCase());
}

/** The same words, each set with its stemming. */
export function indexText(text: string): IndexText {
  const byStemming: IndexText = {};
  for (const word of indexWords(text)) {
    const stemming = stemmingOf(word);
    const before = byStemming[stemming];
    byStemming[stemming] = before === undefined ? word : `${before} ${word}`;
  }
  return byStemming;
}

/** "cplusplus" of "C++"; undefined where there is no sign. */
function signedName(token: string): string | undefined {
  const first = token[0]!;
  if (first === '.') return `dot${token.slice(1)}`;
  const last = token.at(-1)!;
  if (last !== '+' && last !== '#') return undefined;
  return token.replace(/[+#]+$/, last === '+' ? 'plusplus' : 'sharp');
}

function partsOf(name: string): string[] {
  const parts = name.match(camelParts) ?? [];
  return parts.length > 1 && parts.length < 12 ? parts : [];
}
