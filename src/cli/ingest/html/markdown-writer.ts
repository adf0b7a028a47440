/** Puts Markdown together piece by piece, in the order of a page. */
export interface MarkdownWriter {
  /** Words of a line. A run of white space becomes one space, and none stands at either end of a line. */
  write(text: string): void;
  /** Lines as they stand. */
  writeLines(lines: string): void;
  /** Ends the line; a second time at once leaves one empty. */
  breakLine(): void;
  /** Ends the block, and leaves `emptyLines` below it; of several at once the most. */
  endBlock(emptyLines: 0 | 1): void;
  /** Until the function that it returns is called, the first line begins with `first` and each further one with `rest`. */
  indent(first: string, rest: string): () => void;
  text(): string;
}

/** Deeper ones lie as deep as this, or each line of a page of nothing but lists would be longer than the one before. */
const deepestIndent = 10;
/** So many pieces become one string, since a piece of a page may hold the whole page in memory. */
const piecesAtOnce = 4_096;
/** Of a page: no-break spaces are words. */
const whiteSpace = /[ \t\r\n\f\u200b]+/g;

function createPieces(): { add(piece: string): void; text(): string } {
  const joined: string[] = [];
  let pieces: string[] = [];
  const add = (piece: string): void => {
    if (pieces.push(piece) < piecesAtOnce) return;
    joined.push(pieces.join(''));
    pieces = [];
  };
  return { add, text: () => [...joined, ...pieces].join('') };
}

export function createMarkdownWriter(): MarkdownWriter {
  const pieces = createPieces();
  let isEmpty = true;
  let isSpaced = false;
  let lineEnds = 0;
  let indents = 0;
  let prefix = '';
  /** Of the empty line between two blocks: what both are in. */
  let gapPrefix = '';
  /** What the next line begins with, where that is not `prefix`. */
  let lead: string | null = null;

  function beginLine(): void {
    if (!isEmpty) pieces.add('\n');
    if (!isEmpty && lineEnds > 1) pieces.add(`${gapPrefix.trimEnd()}\n`);
    pieces.add(lead ?? prefix);
    lead = null;
    isEmpty = false;
    lineEnds = 0;
  }

  function endLine(ends: number): void {
    if (lineEnds === 0 || prefix.length < gapPrefix.length) gapPrefix = prefix;
    lineEnds = ends;
    isSpaced = false;
  }

  return {
    write(text) {
      const words = text.replaceAll(whiteSpace, ' ');
      const isSpacedAfter = words.endsWith(' ');
      isSpaced ||= words.startsWith(' ');
      const bare = words.slice(words.startsWith(' ') ? 1 : 0, isSpacedAfter ? -1 : undefined);
      if (bare === '') return;
      if (isEmpty || lineEnds > 0) beginLine();
      else if (isSpaced) pieces.add(' ');
      pieces.add(bare);
      isSpaced = isSpacedAfter;
    },
    writeLines(lines) {
      beginLine();
      pieces.add(prefix === '' ? lines : lines.replaceAll('\n', `\n${prefix}`));
      isSpaced = false;
    },
    breakLine: () => endLine(Math.min(lineEnds + 1, 2)),
    endBlock: (emptyLines) => endLine(Math.max(lineEnds, emptyLines + 1)),
    indent(first, rest) {
      const outer = prefix;
      lead = (lead ?? prefix) + first;
      if (indents < deepestIndent) prefix += rest;
      indents += 1;
      return () => {
        indents -= 1;
        prefix = outer;
        lead = null;
      };
    },
    text: pieces.text,
  };
}
