/** Accents of Latin, Greek and Cyrillic. Short i and u, and the Ukrainian yi, are letters of their own. */
const accents = /(?<![иИуУ])\u0306|(?<![іІ])\u0308|[\u0300-\u0305\u0307\u0309-\u036f]/g;
/** Vowel points and signs of recitation in Hebrew and Arabic, and the stroke that lengthens an Arabic word. */
const points =
  /[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed]/g;
/** Characters without a width or a sound: soft hyphen, joiners, marks of direction, variation selectors, nukta. */
const silent =
  /\u00ad|[\u200c-\u200f\u202a-\u202e\u2060\u2066-\u2069]|[\ufe00-\ufe0f]|\ufeff|\u093c/g;
/** Quotation marks inside of Hebrew words mark abbreviations and foreign sounds. */
const hebrewMarks = /(?<=\p{Script=Hebrew})["'’”׳״](?=\p{Script=Hebrew})/gu;
const digits = /[^\P{Nd}0-9]/gu;

/** Letters that Unicode does not take apart, and the forms of one letter on different keyboards. */
const letters: Readonly<Record<string, string>> = {
  ß: 'ss',
  ẞ: 'SS',
  æ: 'ae',
  Æ: 'Ae',
  œ: 'oe',
  Œ: 'Oe',
  ø: 'o',
  Ø: 'O',
  đ: 'd',
  Đ: 'D',
  ð: 'd',
  Ð: 'D',
  þ: 'th',
  Þ: 'Th',
  ł: 'l',
  Ł: 'L',
  ı: 'i',
  '\u0671': '\u0627', // Arabic alef wasla: alef
  '\u0649': '\u064a', // Arabic alef maksura: yeh
  '\u06cc': '\u064a', // Farsi yeh: yeh
  '\u06a9': '\u0643', // keheh: kaf
  '\u0901': '\u0902', // Devanagari candrabindu: anusvara
  '♯': '#',
};
const known = new RegExp(`[${Object.keys(letters).join('')}]`, 'g');

/** Thai and Lao "am", which compatibility decomposition takes apart, and the dictionaries of words know whole. */
const am = /\u0e4d\u0e32|\u0ecd\u0eb2/g;

/**
 * A text as it is compared: without accents and vowel points, compatibility forms and other digits in their plain form.
 * "ﬁancé" becomes "fiance", "パリ" in half width "パリ". Marks that make another letter stay: "パ" is not "ハ", nor "कि" "क".
 * Not for display: offsets move.
 */
export function foldText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly the texts that folding leaves as they are
  if (/^[\x00-\x7f]*$/.test(text)) return text;
  return text
    .replace(silent, '')
    .replace(hebrewMarks, '')
    .normalize('NFKD')
    .replace(accents, '')
    .replace(points, '')
    .normalize('NFC')
    .replace(silent, '')
    .replace(am, (pair) => (pair === '\u0e4d\u0e32' ? '\u0e33' : '\u0eb3'))
    .replace(digits, plainDigit)
    .replace(known, (letter) => letters[letter]!);
}

/** Blocks of digits begin at a code point whose last four bits are 0, or else 6. */
function plainDigit(digit: string): string {
  const code = digit.codePointAt(0)!;
  const block = code & ~15;
  const zero = /\p{Nd}/u.test(String.fromCodePoint(block)) ? block : block + 6;
  return String(code - zero);
}
