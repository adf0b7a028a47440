import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import path from 'node:path';
import type { DocumentInput } from '../operations/operations.generated.ts';
import type { Extractor } from './create-extractor.ts';
import { decodeSource } from './decode-source.ts';
import type { SourceKind } from './source-kind.ts';
import { SourceProblem } from './source-problem.ts';
import type { SourceText } from './source-text.ts';

/** Bump it when the same file would give another text: everything is then sent anew. */
const reading = 'v2';

/** Of a page or PDF; the text itself must fit a request. */
const maxMarkup = 8_000_000;
const maxPdf = 32_000_000;

export interface SourceFile {
  path: string;
  source: string;
  kind: SourceKind;
}

export interface ReadSourceOptions {
  extractor: Extractor;
  metadata: Readonly<Record<string, string>>;
  /** In bytes of text: what a request to the server may hold. */
  maxText: number;
  /** The fingerprint that the server has of a source. */
  known(source: string): string | undefined;
}

/** Null when the server has the file as it is. Rejects with a `SourceProblem`. */
export async function readSource(
  file: SourceFile,
  { extractor, metadata, maxText, known }: ReadSourceOptions,
): Promise<DocumentInput | null> {
  const { source } = file;
  const limits = { markdown: maxText, text: maxText, html: maxMarkup, pdf: maxPdf };
  const bytes = await readBytes(file.path, Math.max(limits[file.kind], maxText));
  if (bytes.length === 0) throw new SourceProblem('is empty');
  const kind = isPdf(bytes) ? 'pdf' : file.kind;
  if (bytes.length > limits[kind]) throw tooLarge(bytes.length, limits[kind]);
  const fingerprint = fingerprintOf(bytes, kind, metadata);
  if (known(source) === fingerprint) return null;
  const { text, title } = await readText(kind, bytes, extractor);
  if (text.trim() === '') throw new SourceProblem('holds no text');
  const name = path.posix.basename(source);
  return {
    source,
    title: title?.slice(0, 500) || name,
    text,
    metadata: { ...metadata, kind, fingerprint },
  };
}

const tooLarge = (size: number, limit: number): SourceProblem =>
  new SourceProblem(`is too large: ${megabytes(size)} MB, at most ${megabytes(limit)}; split it`);

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);

/** In one piece of memory of its own; never more than `limit`, also of a file that grows meanwhile. */
async function readBytes(file: string, limit: number): Promise<Uint8Array> {
  const handle = await open(file).catch((error: NodeJS.ErrnoException) => {
    throw new SourceProblem(`cannot be opened (${error.code})`);
  });
  try {
    const status = await handle.stat();
    if (!status.isFile()) throw new SourceProblem('is not a regular file');
    if (status.size > limit) throw tooLarge(status.size, limit);
    const bytes = new Uint8Array(status.size);
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await handle.read(bytes, length, bytes.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return length === bytes.length ? bytes : bytes.slice(0, length);
  } finally {
    await handle.close();
  }
}

/** By how it begins, as readers do: the ending may lie. */
const isPdf = (bytes: Uint8Array): boolean =>
  new TextDecoder('latin1').decode(bytes.subarray(0, 1_024)).includes('%PDF-');

function fingerprintOf(
  bytes: Uint8Array,
  kind: SourceKind,
  metadata: Readonly<Record<string, string>>,
): string {
  const options = JSON.stringify([reading, kind, metadata]);
  return createHash('sha256').update(options).update(bytes).digest('base64url').slice(0, 22);
}

async function readText(
  kind: SourceKind,
  bytes: Uint8Array,
  extractor: Extractor,
): Promise<SourceText> {
  if (kind === 'pdf' || kind === 'html') return extractor.extract({ kind, bytes });
  const text = [...decodeSource(bytes, 'utf-8', bytes.length)].join('');
  return { text, title: kind === 'markdown' ? headingOf(text) : null };
}

/** The first heading of the first level, outside of code. */
function headingOf(markdown: string): string | null {
  const prose = markdown.slice(0, 20_000).replace(/^(```|~~~)[\s\S]*?^\1/gm, '');
  return /^# +(.+?) *#*$/m.exec(prose)?.[1]?.trim() ?? null;
}
