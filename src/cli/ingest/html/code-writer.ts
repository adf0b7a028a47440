import type { MarkdownWriter } from './markdown-writer.ts';

/** Keeps every character of what is preformatted; a block in it, as around each line of some listings, is a line. */
export function createCodeWriter(): MarkdownWriter {
  const pieces: string[] = [];
  const write = (text: string): void => {
    if (text !== '') pieces.push(text);
  };
  const isLineBegun = (): boolean => !(pieces.at(-1) ?? '\n').endsWith('\n');
  return {
    write,
    writeLines: write,
    breakLine: () => write('\n'),
    endBlock: () => isLineBegun() && write('\n'),
    indent: () => () => undefined,
    text: () => pieces.join(''),
  };
}
