import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chunkText } from '../../../src/knowledge/ingest/chunk-text.ts';

const word = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
  fc.constantFrom('lift.', 'Drag!', '🛩️', 'a', '漢字', 'x'.repeat(700), '\t', '\r\n', '  '),
);
const line = fc.array(word, { minLength: 1, maxLength: 25 }).map((words) => words.join(' '));
const block = fc.oneof(
  line,
  line.map((text) => `## ${text}`),
  line.map((text) => `> - ${text}`),
  line.map((text) => `${text}\n===`),
  fc.array(line, { maxLength: 12 }).map((lines) => `\`\`\`ts\n${lines.join('\n')}\n\`\`\``),
  fc.array(line, { maxLength: 12 }).map((lines) => lines.map((each) => `* ${each}`).join('\n')),
  fc
    .array(line, { maxLength: 12 })
    .map((rows) => `|a|b|\n|-|-|\n${rows.map((r) => `|${r}|1|`).join('\n')}`),
);
const markdown = fc
  .array(block, { maxLength: 20 })
  .chain((blocks) => fc.constantFrom('\n', '\n\n', '\r\n\r\n').map((gap) => blocks.join(gap)));

describe('chunkText', () => {
  it.each(['prose', 'code'] as const)('keeps offsets exact and loses nothing (%s)', (kind) => {
    fc.assert(
      fc.property(markdown, fc.integer({ min: 40, max: 1_000 }), (text, size) => {
        const chunks = chunkText(text, { kind, size, overlap: Math.floor(size / 5) });
        let covered = 0;
        for (const chunk of chunks) {
          expect(text.slice(chunk.startOffset, chunk.endOffset)).toBe(chunk.content);
          expect(chunk.content.length).toBeLessThanOrEqual(size);
          expect(chunk.content).toBe(chunk.content.trim());
          expect(text.slice(covered, Math.max(covered, chunk.startOffset)).trim()).toBe('');
          expect(chunk.endOffset).toBeGreaterThan(covered);
          covered = chunk.endOffset;
        }
        expect(text.slice(covered).trim()).toBe('');
      }),
      { numRuns: 300 },
    );
  });

  it('never cuts a character in two', () => {
    const text = '🛩'.repeat(2_000);
    for (const { content } of chunkText(text, { size: 101, overlap: 21 }))
      expect(content.isWellFormed()).toBe(true);
  });

  it('overlaps by whole sentences, at most as much as asked', () => {
    const text = Array.from({ length: 80 }, (_, n) => `Sentence number ${n} says a little.`).join(
      ' ',
    );
    const chunks = chunkText(text, { size: 500, overlap: 100 });
    for (const [at, chunk] of chunks.slice(1).entries()) {
      const shared = chunks[at]!.endOffset - chunk.startOffset;
      expect(shared).toBeGreaterThan(30);
      expect(shared).toBeLessThanOrEqual(100);
      expect(chunk.content).toMatch(/^Sentence/);
    }
  });

  it('starts chunks at headings, keeps a heading with its text, and tells the path', () => {
    const body = (words: number): string => 'word '.repeat(words);
    const text = `# Guide\n\n${body(110)}\n\n## Setup\n\n${body(110)}\n\n### Linux\n\n${body(110)}\n\n# End\n\n${body(110)}`;
    const paths = chunkText(text).map(({ headingPath, content }) => [
      headingPath,
      content.slice(0, 9),
    ]);
    expect(paths).toEqual([
      [['Guide'], '# Guide\n\n'],
      [['Guide', 'Setup'], '## Setup\n'],
      [['Guide', 'Setup', 'Linux'], '### Linux'],
      [['End'], '# End\n\nwo'],
    ]);
  });

  it('does not take comments in code blocks or front matter for headings', () => {
    const text = '---\ntitle: Notes\n---\n\n# Real\n\n```sh\n# not a heading\n```\n\nText.';
    expect(chunkText(text).map(({ headingPath }) => headingPath)).toEqual([['Real']]);
  });

  it('keeps the head of a table with its first row', () => {
    const rows = Array.from(
      { length: 60 },
      (_, n) => `| row ${n} | value ${n} of the table |`,
    ).join('\n');
    const text = `${'Before. '.repeat(110)}\n\n| name | value |\n| --- | --- |\n${rows}`;
    const chunks = chunkText(text);
    const head = chunks.find(({ content }) => content.includes('| --- |'));
    expect(head?.content).toContain('| row 0 |');
  });

  it('names the columns of a table in chunks that begin among its rows', () => {
    const rows = (count: number): string =>
      Array.from({ length: count }, (_, n) => `| Pro-${n} | ${n} | ${n * 3} |`).join('\n');
    const table = `| Plan | Seats \\| desks | Price |\n| --- | --- | --- |\n${rows(120)}`;
    const text = `# Prices\n\n${table}\n\nAll prices are in EUR. ${'More words. '.repeat(100)}`;
    const chunks = chunkText(text);
    const among = chunks.filter(({ content }) => content.startsWith('| Pro-'));
    expect(among.length).toBeGreaterThan(2);
    for (const { headingPath } of among)
      expect(headingPath).toEqual(['Prices', 'Plan | Seats | desks | Price']);
    expect(chunks[0]?.headingPath).toEqual(['Prices']);
    expect(chunks.at(-1)?.headingPath).toEqual(['Prices']);
  });

  it.each([
    ['nested quotes', '>'.repeat(300_000)],
    ['nested lists', '- '.repeat(150_000)],
    ['nested numbers', '1. '.repeat(100_000)],
    ['quotes on many lines', `${'> '.repeat(15)}\n`.repeat(20_000)],
    ['no spaces', 'x'.repeat(1_000_000)],
    ['only brackets', '['.repeat(1_000_000)],
    ['a wide table', `${'|a'.repeat(100_000)}\n${'|-'.repeat(100_000)}`],
    ['blank lines', '\n'.repeat(1_000_000)],
  ])('stays quick on %s', (_, text) => {
    const started = performance.now();
    chunkText(text);
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
