import { getDocumentProxy } from 'unpdf';
import { SourceProblem } from './source-problem.ts';
import type { SourceText } from './source-text.ts';

/** Far beyond any document, and short of what a page can be made to say again and again. */
const maxCharacters = 10_000_000;
/** After so many pages what the reader keeps of them is let go, fonts included. */
const pagesAtOnce = 50;

/** The text of a PDF, pages apart by an empty line. Throws a `SourceProblem`. */
export async function pdfToText(bytes: Uint8Array): Promise<SourceText> {
  try {
    const pdf = await getDocumentProxy(bytes, { verbosity: 0 });
    try {
      return await readPages(pdf);
    } finally {
      await pdf.loadingTask.destroy();
    }
  } catch (error) {
    throw problemOf(error);
  }
}

type Pdf = Awaited<ReturnType<typeof getDocumentProxy>>;

async function readPages(pdf: Pdf): Promise<SourceText> {
  const pages: string[] = [];
  let characters = 0;
  for (let number = 1; number <= pdf.numPages; number++) {
    const page = await pdf.getPage(number);
    const { items } = await page.getTextContent();
    const text = items
      .map((item) => ('str' in item ? item.str + (item.hasEOL ? '\n' : '') : ''))
      .join('');
    page.cleanup();
    if (number % pagesAtOnce === 0) await pdf.cleanup();
    characters += text.length;
    if (characters > maxCharacters) {
      throw new SourceProblem(`unfolds to more than ${maxCharacters} characters`);
    }
    pages.push(text.trim());
  }
  const title = await titleOf(pdf);
  const text = pages.filter(Boolean).join('\n\n');
  if (text === '') throw new SourceProblem('holds no text: its pages may be pictures');
  return { text, title };
}

async function titleOf(pdf: Pdf): Promise<string | null> {
  const { info } = await pdf.getMetadata();
  const { Title: title } = info as { Title?: unknown };
  return typeof title === 'string' && title.trim() ? title.trim() : null;
}

function problemOf(error: unknown): SourceProblem {
  if (error instanceof SourceProblem) return error;
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  if (name === 'PasswordException') return new SourceProblem('is protected by a password');
  return new SourceProblem(`is no PDF that can be read (${message.replace(/\.$/, '')})`);
}
