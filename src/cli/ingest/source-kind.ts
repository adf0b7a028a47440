import path from 'node:path';

export type SourceKind = 'markdown' | 'html' | 'text' | 'pdf';

const kinds: Record<SourceKind, readonly string[]> = {
  markdown: ['.md', '.markdown', '.mdown', '.mdx'],
  html: ['.html', '.htm', '.xhtml'],
  text: ['.txt', '.text', '.rst', '.adoc', '.asciidoc', '.org', '.tex', '.csv', '.tsv', '.log'],
  pdf: ['.pdf'],
};

const byEnding = new Map(
  Object.entries(kinds).flatMap(([kind, endings]) =>
    endings.map((ending) => [ending, kind as SourceKind]),
  ),
);

/** What a file is by its ending; null for those that are not read. */
export const kindOf = (file: string): SourceKind | null =>
  byEnding.get(path.extname(file).toLowerCase()) ?? null;
