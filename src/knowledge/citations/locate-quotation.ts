import type { Span } from './split-passages.ts';

/**
 * Where a quotation stands in a text: exactly, or with other white space and other forms of quotes and dashes. Words and
 * numbers must stand there whole: "12" is not found in "128", nor "5 %" in "1.5 %". Undefined when it does not stand there.
 */
export function locateQuotation(text: string, quotation: string): Span | undefined {
  const wanted = normalise(quotation).text.trim();
  if (!/[\p{L}\p{N}]/u.test(wanted)) return undefined;
  const exact = quotation.trim();
  for (let at = text.indexOf(exact); at !== -1; at = text.indexOf(exact, at + 1)) {
    if (standsWhole(text, at, at + exact.length)) return { start: at, end: at + exact.length };
  }
  const source = normalise(text);
  for (let at = source.text.indexOf(wanted); at !== -1; at = source.text.indexOf(wanted, at + 1)) {
    const start = source.offsets[at]!;
    const end = source.offsets[at + wanted.length - 1]! + 1;
    if (standsWhole(text, start, end)) return { start, end };
  }
  return undefined;
}

const equivalents: Readonly<Record<string, string>> = {
  '\u2018': "'",
  '\u2019': "'",
  '\u201a': "'",
  '\u2032': "'",
  '\u201c': '"',
  '\u201d': '"',
  '\u201e': '"',
  '\u2033': '"',
  '«': '"',
  '»': '"',
  '\u2010': '-',
  '\u2011': '-',
  '\u2012': '-',
  '\u2013': '-',
  '\u2014': '-',
  '\u2212': '-',
};

/** White space collapsed, quotes and dashes in one form; `offsets[n]` is where character n stood. */
function normalise(text: string): { text: string; offsets: number[] } {
  let result = '';
  const offsets: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const unit = text[at]!;
    const space = /\s/.test(unit);
    if (unit === '\u00ad' || unit === '\u200b' || (space && result.endsWith(' '))) continue;
    result += space ? ' ' : (equivalents[unit] ?? unit);
    offsets.push(at);
  }
  return { text: result, offsets };
}

const wordUnit = /[\p{L}\p{N}]/u;

function standsWhole(text: string, start: number, end: number): boolean {
  const first = text.slice(start, start + 1);
  const last = text.slice(end - 1, end);
  const before = text.slice(Math.max(0, start - 2), start);
  const after = text.slice(end, end + 2);
  if (wordUnit.test(first) && wordUnit.test(before.slice(-1))) return false;
  if (wordUnit.test(last) && wordUnit.test(after.slice(0, 1))) return false;
  const numberGoesOn = /\p{N}/u.test(last) && /^[.,]\p{N}/u.test(after);
  const numberBegan =
    /\p{N}/u.test(first) && /(?:\p{N}[.,]|(?:^|[^\p{L}\p{N}])[-−])$/u.test(before);
  return !numberGoesOn && !numberBegan;
}
