import { breakStrength, readTextStructure } from '../ingest/text-structure.ts';

/** A stretch of a text: `text.slice(start, end)`, in UTF-16 code units, without white space at its ends. */
export interface Span {
  start: number;
  end: number;
}

/** A heading, a list mark or an abbreviation is no claim of its own: shorter passages join the next one. */
const shortestPassage = 60;
const maxPassageLength = 600;

/** Cuts a text into its smallest citable units: sentences, list items, lines of code or of a table; nothing is lost. */
export function splitPassages(text: string): Span[] {
  const { breaks } = readTextStructure(text);
  const passages: Span[] = [];
  let start = 0;
  for (const { offset, strength } of breaks) {
    const length = text.slice(start, offset).trim().length;
    const joins = strength === breakStrength.glued || length < shortestPassage;
    if (length === 0 || (joins && length < maxPassageLength)) continue;
    passages.push(trimSpan(text, start, offset));
    start = offset;
  }
  const rest = trimSpan(text, start, text.length);
  const last = passages.at(-1);
  if (rest.end > rest.start) {
    if (last && rest.end - rest.start < shortestPassage / 2) last.end = rest.end;
    else passages.push(rest);
  }
  return passages;
}

function trimSpan(text: string, start: number, end: number): Span {
  const raw = text.slice(start, end);
  const leading = raw.length - raw.trimStart().length;
  const trimmed = raw.trim().length;
  return { start: start + leading, end: start + leading + trimmed };
}
