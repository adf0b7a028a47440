import {
  type BreakPoint,
  breakStrength,
  type Heading,
  readCodeStructure,
  readTextStructure,
  type TextStructure,
} from './text-structure.ts';

/** A passage of a text: `content === text.slice(startOffset, endOffset)`, in UTF-16 code units. */
export interface TextChunk {
  content: string;
  /** Titles of the headings it stands under, outermost first; last the columns of a table that it begins inside of. */
  headingPath: string[];
  startOffset: number;
  endOffset: number;
}

export interface ChunkOptions {
  /** Longest chunk, in UTF-16 code units. Default 1,000. */
  size?: number;
  /** How much of a chunk's end the next one repeats, at most. Default 200; must be below a third of `size`. */
  overlap?: number;
  /** Source code has no headings and no sentences. Default 'prose': Markdown or plain text. */
  kind?: 'prose' | 'code';
}

/** A chunk is at least this part of `size` long before a mere stronger boundary may end it. */
const shortest = 0.4;

/**
 * Cuts a text into overlapping chunks at the strongest boundary that lies near the chunk's full size: before a heading,
 * then a block, a list item, a sentence or line, a word. Only white space between chunks is left out.
 */
export function chunkText(text: string, options: ChunkOptions = {}): TextChunk[] {
  const size = options.size ?? 1_000;
  const overlap = options.overlap ?? 200;
  const structure = options.kind === 'code' ? readCodeStructure(text) : readTextStructure(text);
  const chunks: TextChunk[] = [];
  let start = 0;
  let firstBreak = 0;
  while (start < text.length) {
    while ((structure.breaks[firstBreak]?.offset ?? Infinity) <= start) firstBreak++;
    const cut = findCut(text, structure.breaks, { start, size, firstBreak });
    const chunk = trimmedChunk(text, structure, start, cut.offset);
    // Between the cut and the next words there may be white space only: that chunk would repeat what the last one has.
    if (chunk && chunk.endOffset > (chunks.at(-1)?.endOffset ?? 0)) chunks.push(chunk);
    if (cut.offset >= text.length) break;
    start =
      cut.strength === breakStrength.heading
        ? cut.offset
        : overlapStart(text, structure.breaks, { cut: cut.offset, overlap, after: start });
  }
  return chunks;
}

function findCut(
  text: string,
  breaks: BreakPoint[],
  window: { start: number; size: number; firstBreak: number },
): BreakPoint {
  const end = window.start + window.size;
  const least = window.start + window.size * shortest;
  const fits = text.length <= end;
  let best: BreakPoint | undefined;
  for (let index = window.firstBreak; index < breaks.length; index++) {
    const point = breaks[index]!;
    if (point.offset > end) break;
    if (point.offset < least || point.strength < breakStrength.sentence) continue;
    if (point.strength >= (best?.strength ?? 0)) best = point;
  }
  if (fits) {
    const tail = text.length - (best?.offset ?? 0);
    const ownSection = best?.strength === breakStrength.heading && tail > window.size / 5;
    return ownSection && best ? best : { offset: text.length, strength: 0 };
  }
  return best ?? { offset: wordBreak(text, least, end), strength: 0 };
}

/** The last place in (from, to] that follows white space; failing that `to`, but never inside a surrogate pair. */
function wordBreak(text: string, from: number, to: number): number {
  for (let offset = to; offset > from; offset--) {
    if (/\s/.test(text[offset - 1] ?? '')) return offset;
  }
  return outsidePair(text, to);
}

function outsidePair(text: string, offset: number): number {
  const unit = text.charCodeAt(offset);
  return unit >= 0xdc00 && unit <= 0xdfff ? offset - 1 : offset;
}

/** Where the chunk after a cut begins: at a sentence or word of what came before it, after the last heading. */
function overlapStart(
  text: string,
  breaks: BreakPoint[],
  place: { cut: number; overlap: number; after: number },
): number {
  const earliest = Math.max(place.cut - place.overlap, place.after + 1);
  let index = lowerBound(breaks, earliest);
  let start: number | undefined;
  for (; index < breaks.length && breaks[index]!.offset < place.cut; index++) {
    const { offset, strength } = breaks[index]!;
    if (strength === breakStrength.heading) start = offset;
    else if (strength >= breakStrength.sentence) start ??= offset;
  }
  if (start !== undefined) return start;
  const space = /\s/.exec(text.slice(earliest, place.cut));
  return space ? earliest + space.index + 1 : outsidePair(text, earliest);
}

function lowerBound(breaks: BreakPoint[], offset: number): number {
  let low = 0;
  let high = breaks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (breaks[middle]!.offset < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

function trimmedChunk(
  text: string,
  structure: TextStructure,
  from: number,
  to: number,
): TextChunk | undefined {
  const raw = text.slice(from, to);
  const content = raw.trim();
  if (content === '') return undefined;
  const startOffset = from + raw.indexOf(content);
  return {
    content,
    headingPath: [
      ...headingPathAt(text, structure, startOffset),
      ...columnsAt(structure, startOffset),
    ],
    startOffset,
    endOffset: startOffset + content.length,
  };
}

const columnsAt = ({ tables }: TextStructure, start: number): string[] =>
  tables
    .filter(({ from, to, columns }) => from < start && start < to && columns !== '')
    .map(({ columns }) => columns);

/** The headings in force where the chunk's own text begins: headings that open the chunk count, later ones don't. */
function headingPathAt(text: string, structure: TextStructure, start: number): string[] {
  const path: Heading[] = [];
  let textStart = Math.max(start, structure.bodyStart);
  for (const heading of structure.headings) {
    if (heading.from > textStart && text.slice(textStart, heading.from).trim() !== '') break;
    if (heading.from >= start) textStart = heading.to;
    while (path.length > 0 && path[path.length - 1]!.level >= heading.level) path.pop();
    path.push(heading);
  }
  return path.map((heading) => heading.title).filter((title) => title !== '');
}
