import { Parser } from 'htmlparser2';
import { decodeSource } from '../decode-source.ts';
import { SourceProblem } from '../source-problem.ts';
import type { SourceText } from '../source-text.ts';
import { beginElement } from './html-elements.ts';
import { newPage } from './page.ts';

/** Browsers stop at 512; the parser here leaves more of what was never closed open. */
const deepest = 10_000;
const pieceBytes = 65_536;

/**
 * The text of a page, its headings, lists, code and tables in Markdown; only its `main` part where it has one. Reads it
 * in one go and keeps no more of it than the text. Throws a `SourceProblem`.
 */
export function htmlToText(bytes: Uint8Array): SourceText {
  const page = newPage();
  const { writer } = page;
  const ends: (() => void)[] = [];
  const parser = new Parser({
    onopentag(name, attributes) {
      if (ends.length === deepest) throw new SourceProblem('nests deeper than any page should');
      ends.push(beginElement(page, name, attributes));
    },
    ontext(text) {
      if (page.skipping === 0) page.writer.write(text);
    },
    onclosetag() {
      ends.pop()?.();
    },
  });
  for (const piece of decodeSource(bytes, charsetOf(bytes), pieceBytes)) parser.write(piece);
  parser.end();
  return { text: page.main ?? writer.text(), title: page.title };
}

/** What a page says of itself; the encoding of the web where it says nothing. */
function charsetOf(bytes: Uint8Array): string {
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 1_024));
  return /<meta[^>]*\bcharset\s*=\s*["']?\s*([\w-]+)/i.exec(start)?.[1] ?? 'utf-8';
}
