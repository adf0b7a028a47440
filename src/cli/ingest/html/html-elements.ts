import { createCodeWriter } from './code-writer.ts';
import { createMarkdownWriter, type MarkdownWriter } from './markdown-writer.ts';
import type { Page, Row } from './page.ts';

interface Attributes {
  readonly role?: string;
  readonly start?: string;
}

/** Called where an element begins; what it answers is called where that ends. */
type Element = (page: Page, attributes: Attributes) => () => void;

const nothing = (): void => undefined;

const oneLine = (text: string): string => text.replaceAll(/\s*\n\s*/g, ' ');

/** What comes until the function that it answers is called is that function's answer, and not part of the text around. */
function collect(page: Page, writer: MarkdownWriter = createMarkdownWriter()): () => string {
  const outer = page.writer;
  page.writer = writer;
  return () => {
    page.writer = outer;
    return writer.text();
  };
}

function writeBlock({ writer }: Page, text: string): void {
  if (text === '') return;
  writer.endBlock(1);
  writer.writeLines(text);
  writer.endBlock(1);
}

/** More than words: the row around is no line of a Markdown table then. */
const structure =
  (element: Element): Element =>
  (page, attributes) => {
    const row = page.rows.at(-1);
    if (row) row.isLayout = true;
    return element(page, attributes);
  };

const skipped: Element = (page) => {
  page.skipping += 1;
  return () => {
    page.skipping -= 1;
  };
};

const title: Element = (page, attributes) => {
  if (page.title !== null) return skipped(page, attributes);
  const end = collect(page);
  return () => {
    page.title = end() || null;
  };
};

/** Nothing after the first one is read. */
const main: Element = (page) => {
  if (page.isMainFound) return block(page, {});
  page.isMainFound = true;
  const end = collect(page);
  return () => {
    page.main = end();
    page.skipping += 1;
  };
};

const block: Element = ({ writer }) => {
  writer.endBlock(0);
  return () => writer.endBlock(0);
};

const paragraph: Element = ({ writer }) => {
  writer.endBlock(1);
  return () => writer.endBlock(1);
};

const lineBreak: Element = ({ writer }) => {
  writer.breakLine();
  return nothing;
};

const rule: Element = (page) => {
  writeBlock(page, '---');
  return nothing;
};

const heading = (level: number): Element =>
  structure((page) => {
    const end = collect(page);
    return () => {
      const text = end();
      // One that was never closed has what follows it inside.
      const line = text.includes('\n\n') ? text : oneLine(text);
      writeBlock(page, line && `${'#'.repeat(level)} ${line}`);
    };
  });

const quotation = structure((page) => {
  const end = paragraph(page, {});
  const outdent = page.writer.indent('> ', '> ');
  return () => {
    outdent();
    end();
  };
});

const list = (firstNumber: (attributes: Attributes) => number | null): Element =>
  structure((page, attributes) => {
    const end = (page.lists.length === 0 ? paragraph : block)(page, attributes);
    page.lists.push(firstNumber(attributes));
    return () => {
      page.lists.pop();
      end();
    };
  });

const startOf = ({ start }: Attributes): number =>
  /^\d{1,9}$/.test(start ?? '') ? Number(start) : 1;

const listItem: Element = (page) => {
  const { lists } = page;
  const number = lists.at(-1) ?? null;
  if (number !== null) lists[lists.length - 1] = number + 1;
  const sign = number === null ? '- ' : `${number}. `;
  const end = block(page, {});
  const outdent = page.writer.indent(sign, ' '.repeat(sign.length));
  return () => {
    outdent();
    end();
  };
};

const code = structure((page) => {
  const end = collect(page, createCodeWriter());
  return () => {
    const text = end().replaceAll(/\r\n?/g, '\n').replace(/^\n/, '').trimEnd();
    let longest = 2;
    for (const [run] of text.matchAll(/`{3,}/g)) longest = Math.max(longest, run.length);
    const fence = '`'.repeat(longest + 1);
    writeBlock(page, text && `${fence}\n${text}\n${fence}`);
  };
});

const table = structure((page) => {
  const end = paragraph(page, {});
  page.rows.push(null);
  return () => {
    page.rows.pop();
    end();
  };
});

const tableRow: Element = (page) => {
  const { rows } = page;
  const row: Row = { cells: [], isHead: true, isLayout: false };
  rows[rows.length - 1] = row;
  const end = block(page, {});
  return () => {
    rows[rows.length - 1] = null;
    writeRow(page, row);
    end();
  };
};

function writeRow(page: Page, { cells, isHead, isLayout }: Row): void {
  if (isLayout || cells.length === 1) {
    for (const cell of cells) writeBlock(page, cell);
  } else if (cells.some(Boolean)) {
    const line = `| ${cells.map(oneLine).join(' | ')} |`;
    page.writer.writeLines(isHead ? `${line}\n|${' --- |'.repeat(cells.length)}` : line);
  }
}

/** Column spans are not laid out: a page may claim a million of them. */
const cell =
  (isHeading: boolean): Element =>
  (page, attributes) => {
    const row = page.rows.at(-1);
    if (!row) return block(page, attributes);
    const end = collect(page);
    row.isHead &&= isHeading;
    return () => {
      row.cells.push(end());
    };
  };

const blocks =
  'address article aside dd details div dl dt fieldset figcaption figure footer form header hgroup legend ' +
  'optgroup option search section summary';
const notRead = 'script style noscript template svg img nav iframe';

const elements = new Map<string, Element>([
  ...blocks.split(' ').map((name) => [name, block] as const),
  ...notRead.split(' ').map((name) => [name, skipped] as const),
  ...[1, 2, 3, 4, 5, 6].map((level) => [`h${level}`, heading(level)] as const),
  ['blockquote', quotation],
  ['br', lineBreak],
  ['caption', paragraph],
  ['hr', rule],
  ['li', listItem],
  ['main', main],
  ['ol', list(startOf)],
  ['p', paragraph],
  ['pre', code],
  ['table', table],
  ['td', cell(false)],
  ['th', cell(true)],
  ['title', title],
  ['tr', tableRow],
  ['ul', list(() => null)],
]);

/** Begins an element; what it answers is to be called at its end. What lies in one that is left out is left out, too. */
export function beginElement(page: Page, name: string, attributes: Attributes): () => void {
  if (page.skipping > 0) return nothing;
  const element = attributes.role === 'main' ? main : elements.get(name);
  return element?.(page, attributes) ?? nothing;
}
