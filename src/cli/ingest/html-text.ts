import { convert, type FormatCallback } from 'html-to-text';

/** Markdown's signs for what the chunks follow; words stay as they stand, so that citations are found in the page. */
const heading: FormatCallback = (element, walk, builder) => {
  builder.openBlock({ leadingLineBreaks: 2 });
  builder.addLiteral(`${'#'.repeat(Number(element.name?.slice(1)))} `);
  walk(element.children, builder);
  builder.closeBlock({ trailingLineBreaks: 2 });
};

const codeBlock: FormatCallback = (element, walk, builder) => {
  builder.openBlock({ isPre: true, leadingLineBreaks: 2 });
  builder.addLiteral('```\n');
  walk(element.children, builder);
  builder.addLiteral('\n```');
  builder.closeBlock({ trailingLineBreaks: 2 });
};

/** A line of a Markdown table. Column spans are not laid out: a page may claim a million of them. */
const tableRow: FormatCallback = (element, walk, builder) => {
  const cells = element.children.filter(({ name }) => name === 'td' || name === 'th');
  builder.openBlock({ leadingLineBreaks: 1 });
  builder.addLiteral('| ');
  for (const cell of cells) {
    walk(cell.children, builder);
    builder.addLiteral(' | ');
  }
  builder.closeBlock({ trailingLineBreaks: 1 });
  if (!cells.every(({ name }) => name === 'th')) return;
  builder.openBlock({ leadingLineBreaks: 1 });
  builder.addLiteral(`|${' --- |'.repeat(cells.length)}`);
  builder.closeBlock({ trailingLineBreaks: 1 });
};

const skipped = ['script', 'style', 'noscript', 'template', 'svg', 'img', 'nav', 'iframe'];
const headings = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'];

/** The text of a page, headings, code and tables in Markdown; only its `main` part where it has one. */
export function htmlToText(html: string): { text: string; title: string | null } {
  const text = convert(html, {
    wordwrap: false,
    limits: { maxInputLength: Number.POSITIVE_INFINITY, maxBaseElements: 1 },
    baseElements: { selectors: ['main', 'body'], orderBy: 'selectors' },
    formatters: { heading, codeBlock, tableRow },
    selectors: [
      { selector: 'a', options: { ignoreHref: true } },
      { selector: 'ul', options: { itemPrefix: '- ' } },
      { selector: 'pre', format: 'codeBlock' },
      { selector: 'tr', format: 'tableRow' },
      ...headings.map((selector) => ({ selector, format: 'heading' })),
      ...skipped.map((selector) => ({ selector, format: 'skip' })),
    ],
  });
  const [, markup = ''] = /<title[^>]*>([^<]{1,2000})/i.exec(html) ?? [];
  return { text, title: convert(markup, { wordwrap: false }).trim() || null };
}
