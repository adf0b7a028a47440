import { createMarkdownWriter, type MarkdownWriter } from './markdown-writer.ts';

export interface Row {
  cells: string[];
  isHead: boolean;
  /** Holds more than words, as in the tables that only lay out a page. */
  isLayout: boolean;
}

/** A page as far as it has been read. */
export interface Page {
  /** Of the text that the present element belongs to. */
  writer: MarkdownWriter;
  title: string | null;
  isMainFound: boolean;
  /** The text of the first `main`, once that has ended. */
  main: string | null;
  /** How many of the open elements are to be left out. */
  skipping: number;
  /** Of each open list the number of its next item; null where it has none. */
  lists: (number | null)[];
  /** Of each open table the row that is open in it; first of all that of none. */
  rows: (Row | null)[];
}

export const newPage = (): Page => ({
  writer: createMarkdownWriter(),
  title: null,
  isMainFound: false,
  main: null,
  skipping: 0,
  lists: [],
  rows: [null],
});
