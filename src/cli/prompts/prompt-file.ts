import { isDeepStrictEqual } from 'node:util';
import { isMap, LineCounter, parse, parseDocument, stringify } from 'yaml';
import { z } from 'zod';
import { CliError } from '../cli-error.ts';

/** The wording of a prompt's version, as its file says it. */
export interface Wording {
  template: string;
  system: string | null;
  model: string | null;
  maxTokens: number | null;
  notes: string | null;
}

export interface PromptFile {
  prompt: string;
  /** The version that was pulled; null in a file that was written by hand. */
  version: number | null;
  wording: Wording;
  /** Lines of the file before the first line of each text. */
  linesBefore: { template: number; system: number | null };
}

const frontMatter = z.strictObject({
  prompt: z.string().regex(/^[a-z][a-z0-9_]*$/, 'must be a prompt’s name, like write_letter'),
  version: z.int().min(1).nullish(),
  model: z.string().nullish(),
  maxTokens: z.int().min(1).nullish(),
  notes: z.string().nullish(),
  system: z.string().nullish(),
});

const parts = /^---\n([\s\S]*?\n)---\n([\s\S]*)$/;

/** Markdown with front matter: all but the template stands above it. `parsePromptFile` reads it back, character by character. */
export function formatPromptFile(prompt: string, version: number, wording: Wording): string {
  const { template, model, maxTokens, notes, system } = wording;
  const all = { prompt, version, model, maxTokens, notes, system };
  const set = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
  return `---\n${formatHead(set)}---\n${template}\n`;
}

/** Texts as blocks, to be read and compared line by line, unless a block cannot say one exactly (spaces alone, say). */
function formatHead(fields: Record<string, unknown>): string {
  const head = stringify(fields, { lineWidth: 0, blockQuote: 'literal' });
  if (isDeepStrictEqual(parse(head), fields)) return head;
  return stringify(fields, { lineWidth: 0, blockQuote: false, defaultStringType: 'QUOTE_DOUBLE' });
}

/** Line endings of Windows count as plain ones. Throws a `CliError` that names the file and what to mend. */
export function parsePromptFile(file: string, content: string): PromptFile {
  const [, head, body] = parts.exec(content.replaceAll('\r\n', '\n')) ?? [];
  if (head === undefined || body === undefined) {
    throw new CliError(`${file}: must begin with front matter: --- prompt: name ---`);
  }
  const lines = new LineCounter();
  const document = parseDocument(head, { lineCounter: lines });
  const [problem] = document.errors;
  if (problem) throw new CliError(`${file}: ${problem.message.split('\n', 1)[0]}`);
  const result = frontMatter.safeParse(document.toJS({ maxAliasCount: 0 }));
  if (!result.data) {
    const told = result.error?.issues.map(({ path, message }) =>
      `${path.join('.')} ${message}`.trim(),
    );
    throw new CliError(`${file}: ${told?.join('; ')}`);
  }
  const { prompt, version = null, model = null, maxTokens = null } = result.data;
  const { notes = null, system = null } = result.data;
  const template = body.endsWith('\n') ? body.slice(0, -1) : body;
  const wording = { template, system, model, maxTokens, notes };
  const systemLine = isMap(document.contents) ? lineOfSystem(document.contents, lines) : null;
  const linesBefore = { template: head.split('\n').length + 1, system: systemLine };
  return { prompt, version, wording, linesBefore };
}

/** A block begins on the line behind its sign. Inside a quoted text there are no lines to name. */
function lineOfSystem(contents: { items: unknown[] }, lines: LineCounter): number | null {
  const pairs = contents.items as {
    key: { value: unknown };
    value: { range?: number[]; type?: string };
  }[];
  const found = pairs.find(({ key }) => key.value === 'system')?.value;
  if (found?.type !== 'BLOCK_LITERAL' || !found.range) return null;
  return lines.linePos(found.range[0]!).line + 1;
}

/** Do they say the same? */
export function isSameWording(one: Wording, other: Wording): boolean {
  const plain = (text: string | number | null): string | number | null =>
    typeof text === 'string' ? text.replaceAll('\r\n', '\n') : text;
  const fields = ['template', 'system', 'model', 'maxTokens', 'notes'] as const;
  return fields.every((field) => plain(one[field]) === plain(other[field]));
}
