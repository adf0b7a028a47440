/** A text search configuration of PostgreSQL: the stemmer and the stop words that a word goes through. */
export type Stemming =
  | 'english'
  | 'russian'
  | 'greek'
  | 'armenian'
  | 'arabic'
  | 'hindi'
  | 'tamil'
  | 'simple';

/** An index has single characters beside pairs, a query only where they stand alone: "猫" finds "黒猫", not the other way. */
export type Purpose = 'index' | 'query';

const ascii = /^\w*$/;

const scripts: readonly [letters: RegExp, stemming: Stemming][] = [
  [/\p{Script=Latin}/u, 'english'],
  [/\p{Script=Cyrillic}/u, 'russian'],
  [/\p{Script=Arabic}/u, 'arabic'],
  [/\p{Script=Devanagari}/u, 'hindi'],
  [/\p{Script=Greek}/u, 'greek'],
  [/\p{Script=Tamil}/u, 'tamil'],
  [/\p{Script=Armenian}/u, 'armenian'],
  [/\p{L}/u, 'simple'],
];

/** The stemming of a word by its script. A word of no letters, as a number, goes where numbers always went. */
export const stemmingOf = (word: string): Stemming =>
  ascii.test(word)
    ? 'english'
    : (scripts.find(([letters]) => letters.test(word))?.[1] ?? 'english');

const pairedClass = String.raw`\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}\p{scx=Bopomofo}`;
const spacelessClass = String.raw`\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}`;
const runs = new RegExp(
  `[${pairedClass}]+|[${spacelessClass}]+|[^${pairedClass}${spacelessClass}]+`,
  'gu',
);
const paired = new RegExp(`^[${pairedClass}]`, 'u');
const spaceless = new RegExp(`^[${spacelessClass}]`, 'u');
const hebrew = /^\p{Script=Hebrew}/u;
const arabic = /^\p{Script=Arabic}/u;

/** Letters, marks and digits where they change between scripts that find their words in different ways. */
export const scriptRuns = (letters: string): string[] =>
  ascii.test(letters) ? [letters] : (letters.match(runs) ?? []);

/** Is it Chinese, Japanese or Korean? */
export const isPaired = (run: string): boolean => paired.test(run);

/** The words of letters, marks and digits between which no white space and no punctuation stands. */
export function scriptWords(letters: string, purpose: Purpose): string[] {
  return scriptRuns(letters).flatMap((run) => {
    if (isPaired(run)) return characterPairs(run, purpose);
    if (spaceless.test(run)) return dictionaryWords(run);
    if (hebrew.test(run)) return withoutHebrewPrefixes(run);
    return arabic.test(run) ? [withoutArabicArticle(run)] : [run];
  });
}

const wordCharacter = /[\p{Script=Han}\p{Script=Hangul}]/u;

/** Chinese and Japanese set no words apart, Korean no endings: every two neighbours are a term. */
function characterPairs(run: string, purpose: Purpose): string[] {
  const characters = [...run];
  if (characters.length === 1) return characters;
  const pairs = characters.slice(1).map((character, at) => characters[at]! + character);
  if (purpose === 'query') return pairs;
  return [...pairs, ...characters.filter((character) => wordCharacter.test(character))];
}

/** ICU has one set of dictionaries for all languages without spaces. */
const dictionary = new Intl.Segmenter('th', { granularity: 'word' });

const dictionaryWords = (run: string): string[] =>
  Array.from(dictionary.segment(run), ({ segment }) => segment);

/** Hebrew writes "and", "the", "in", "to" before the word. Where a word begins only a dictionary knows: each try counts. */
function withoutHebrewPrefixes(word: string): string[] {
  const [, prefix = ''] = /^([והבכלמש]{1,2})..../u.exec(word.padEnd(5)) ?? [];
  return Array.from({ length: prefix.length + 1 }, (_, letters) => word.slice(letters)).filter(
    (rest, letters) => letters === 0 || rest.length >= 3,
  );
}

/** "And" or "so", a preposition and the article, as light stemmers take them off; the rest is the stemmer's. */
const withoutArabicArticle = (word: string): string =>
  word.replace(/^[وف]?(?:[بك]?ال|لل)(?=.{3})/u, '');
