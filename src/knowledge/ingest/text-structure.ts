import { parser, Table } from '@lezer/markdown';

/** A place where a text may be cut: the stronger, the less is torn apart. Offsets are UTF-16 code units. */
export interface BreakPoint {
  offset: number;
  strength: number;
}

export interface Heading {
  from: number;
  to: number;
  level: number;
  title: string;
}

/** The rows of a table: a chunk that begins among them does not hold the names of its columns. */
export interface TableRows {
  from: number;
  to: number;
  /** As "Plan | Seats | Price". */
  columns: string;
}

export interface TextStructure {
  /** Ascending by offset, one for each offset. */
  breaks: BreakPoint[];
  /** Ascending. */
  headings: Heading[];
  /** Ascending. */
  tables: TableRows[];
  /** Where the text proper begins, after front matter. */
  bodyStart: number;
}

export const breakStrength = { heading: 5, block: 4, item: 3, sentence: 2, glued: -1 } as const;

// Only blocks matter here. Without inline rules a megabyte of prose took 54 ms, one of brackets 22.
const blockParser = parser.configure([
  Table,
  {
    remove: [
      'Escape',
      'Entity',
      'InlineCode',
      'HTMLTag',
      'Emphasis',
      'HardBreak',
      'Link',
      'Image',
      'LinkEnd',
    ],
  },
]);

const sentences = new Intl.Segmenter('en', { granularity: 'sentence' });
const linedBlocks = new Set(['FencedCode', 'CodeBlock', 'HTMLBlock', 'CommentBlock']);
const headingName = /^(?:ATX|Setext)Heading([1-6])$/;
const frontMatter = /^---\r?\n[\s\S]{0,10000}?\r?\n---[ \t]*(?:\r?\n|$)/;
const maxTitleLength = 200;
const maxColumnsLength = 500;

/** Deeper quotations are not meant as such, and the parser's time grows with the square of their depth. */
const absurdNesting = /^(?:[ \t]*(?:>|[-*+][ \t]|\d+[.)][ \t])){20}/m;

/** Finds the headings of a Markdown or plain text, and where it may be cut. */
export function readTextStructure(text: string): TextStructure {
  if (absurdNesting.test(text)) return readCodeStructure(text);
  const strengths = new Map<number, number>();
  const headings: Heading[] = [];
  const tables: TableRows[] = [];
  const bodyStart = frontMatter.exec(text)?.[0].length ?? 0;
  const add = (offset: number, strength: number): void => {
    if (strength > (strengths.get(offset) ?? 0)) strengths.set(offset, strength);
  };
  const glued: number[] = [];
  const cursor = blockParser.parse(text).cursor();
  let inside = cursor.firstChild();
  while (inside) {
    const { name, from, to } = cursor;
    const nested = text.charCodeAt(from - 1) !== 10 && from > 0;
    const level = headingName.exec(name)?.[1];
    if (from < bodyStart) add(from, breakStrength.sentence);
    else if (level !== undefined && !nested) {
      headings.push({ from, to, level: Number(level), title: headingTitle(text.slice(from, to)) });
      add(from, breakStrength.heading);
      glued.push(nextContent(text, to));
    } else add(lineStart(text, from), nested ? breakStrength.item : breakStrength.block);
    if (name === 'Table') tables.push({ from, to, columns: '' });
    if (name === 'TableHeader') {
      Object.assign(tables.at(-1)!, { from: to, columns: columnNames(text.slice(from, to)) });
      glued.push(nextContent(text, to));
    }
    if (name === 'TableDelimiter') glued.push(nextContent(text, to));
    if (name === 'Paragraph') addSentences(text, from, to, add);
    else if (linedBlocks.has(name)) addLines(text, from, to, add);
    const descend = !linedBlocks.has(name) && name !== 'Paragraph' && level === undefined;
    inside = (descend && name !== 'TableRow' && cursor.firstChild()) || cursor.nextSibling();
    while (!inside && cursor.parent() && !cursor.type.isTop) inside = cursor.nextSibling();
  }
  for (const offset of glued) strengths.set(offset, breakStrength.glued);
  const breaks = [...strengths].map(([offset, strength]) => ({ offset, strength }));
  return { breaks: breaks.sort((a, b) => a.offset - b.offset), headings, tables, bodyStart };
}

/** Source code: cut at blank lines before unindented lines, then at blank lines, then at any line. */
export function readCodeStructure(text: string): TextStructure {
  const breaks: BreakPoint[] = [];
  for (const match of text.matchAll(/(\r?\n[ \t]*)?\r?\n([ \t]*)(?=\S)/g)) {
    const blank = match[1] !== undefined;
    const indent = match[2] ?? '';
    const offset = match.index + match[0].length - indent.length;
    const strength = blank && indent === '' ? breakStrength.block : breakStrength.sentence;
    breaks.push({ offset, strength: blank && indent !== '' ? breakStrength.item : strength });
  }
  return { breaks, headings: [], tables: [], bodyStart: 0 };
}

function headingTitle(source: string): string {
  const line = source.replace(/\r?\n\s*(?:=+|-+)\s*$/, '').replace(/\s+/g, ' ');
  return line
    .replace(/^#+\s*/, '')
    .replace(/\s#+\s*$/, '')
    .trim()
    .slice(0, maxTitleLength);
}

const columnNames = (header: string): string =>
  header
    .replace(/^\s*\|/, '')
    .replace(/(?<!\\)\|\s*$/, '')
    .split(/(?<!\\)\|/)
    .map((name) => name.replaceAll('\\|', '|').trim())
    .join(' | ')
    .slice(0, maxColumnsLength);

/** Where the first thing after `offset` begins, at the start of its line. */
function nextContent(text: string, offset: number): number {
  const next = offset + (/^\s*/.exec(text.slice(offset, offset + 200))?.[0].length ?? 0);
  return lineStart(text, next);
}

function lineStart(text: string, offset: number): number {
  let start = offset;
  while (start > 0 && (text[start - 1] === ' ' || text[start - 1] === '\t')) start--;
  return start === 0 || text[start - 1] === '\n' ? start : offset;
}

function addSentences(
  text: string,
  from: number,
  to: number,
  add: (offset: number, strength: number) => void,
): void {
  for (const { index } of sentences.segment(text.slice(from, to))) {
    if (index > 0) add(from + index, breakStrength.sentence);
  }
}

function addLines(
  text: string,
  from: number,
  to: number,
  add: (offset: number, strength: number) => void,
): void {
  let newline = text.indexOf('\n', from);
  while (newline !== -1 && newline < to) {
    add(newline + 1, breakStrength.sentence);
    newline = text.indexOf('\n', newline + 1);
  }
}
