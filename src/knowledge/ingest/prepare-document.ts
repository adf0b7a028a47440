import { createHash } from 'node:crypto';
import { isReaderName } from '../../kernel/access/readers.ts';
import type { Issue } from '../../kernel/errors.ts';
import type { DocumentToIngest } from '../knowledge.ts';
import { type IndexText, indexText } from '../terms/index-text.ts';
import { chunkText, type TextChunk } from './chunk-text.ts';

/** A chunk with all that is derived from it before the database sees it. */
export interface PreparedChunk extends TextChunk {
  /** What the embedder and the keyword index are given; equal hashes mean equal vectors and postings. */
  contentHash: string;
  embeddingText: string;
  indexText: IndexText;
  headingIndexText: IndexText;
}

export interface PreparedDocument {
  source: string;
  title: string | null;
  text: string;
  metadata: Record<string, unknown>;
  /** Undefined: as they were. */
  readers: readonly string[] | null | undefined;
  contentHash: string;
  chunks: PreparedChunk[];
}

export const maxDocumentLength = 10_000_000;
const maxSourceLength = 2_000;
const maxMetadata = 100_000;
const deepestMetadata = 20;
const maxReaders = 1_000;
const codeFile =
  /\.(?:[cm]?[jt]sx?|py|rb|go|rs|java|kt|scala|swift|c|cc|cpp|cxx|h|hpp|cs|php|sh|sql|lua|r|pl|ex|exs|hs|clj|vue|svelte)$/i;

/** Raise it when texts are cut in another way: a document that is ingested again is then prepared again. */
const preparation = 'v2';
/** Raise it when the embedding text of the same chunk changes: it is then embedded again, and paid for. */
const chunkPreparation = 'v1';

/** Checks and cuts a document. Answers the issues, with their path in the document, when it can't be stored. */
export function prepareDocument(
  document: DocumentToIngest,
): { document: PreparedDocument } | { issues: Issue[] } {
  const issues = findIssues(document);
  if (issues.length > 0) return { issues };
  const { source, text } = document;
  const title = document.title?.trim() || null;
  const metadata = (document.metadata ?? {}) as Record<string, unknown>;
  const chunks = chunkText(text, { kind: codeFile.test(source) ? 'code' : 'prose' });
  return {
    document: {
      source,
      title,
      text,
      metadata,
      readers: document.readers && [...new Set(document.readers)],
      contentHash: sha256([preparation, title ?? '', text, JSON.stringify(metadata)]),
      chunks: chunks.map((chunk, at) => prepareChunk(chunk, title, at === 0)),
    },
  };
}

function prepareChunk(chunk: TextChunk, title: string | null, first: boolean): PreparedChunk {
  const embeddingText = embeddingTextOf({ ...chunk, title });
  const leading = leadingTitle(chunk.content, title, first);
  return {
    ...chunk,
    ...indexTextsOf({ ...chunk, title, first }),
    embeddingText,
    contentHash: sha256([chunkPreparation, leading, embeddingText]),
  };
}

/** A title counts as text once in a document, unless the text begins with it anyway; as heading in every chunk. */
const leadingTitle = (content: string, title: string | null, first: boolean): string =>
  first && title && !content.slice(0, 300).includes(title) ? title : '';

/** The words of a chunk for the keyword index. */
export function indexTextsOf(chunk: {
  title: string | null;
  headingPath: readonly string[];
  content: string;
  /** Is it the first one of its document? */
  first: boolean;
}): Pick<PreparedChunk, 'indexText' | 'headingIndexText'> {
  const { title, headingPath, content, first } = chunk;
  const headings = title ? [title, ...headingPath] : headingPath;
  return {
    indexText: indexText(`${leadingTitle(content, title, first)}\n${content}`),
    headingIndexText: indexText([...new Set(headings)].join('\n')),
  };
}

/** What embedders are given of a chunk. */
export function embeddingTextOf(chunk: {
  title: string | null;
  headingPath: readonly string[];
  content: string;
}): string {
  const { title, headingPath, content } = chunk;
  return [...new Set(title ? [title, ...headingPath] : headingPath), content].join('\n');
}

function sha256(parts: string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest('base64url');
}

function findIssues(document: DocumentToIngest): Issue[] {
  const issues: Issue[] = [];
  const { source, title, text, metadata } = document;
  const check = (path: string, value: string, longest: number): void => {
    const problem = textProblem(value, longest);
    if (problem) issues.push({ path: [path], message: problem });
  };
  check('source', source, maxSourceLength);
  check('text', text, maxDocumentLength);
  if (title) check('title', title, maxSourceLength);
  const problem = metadataProblem(metadata);
  if (problem) issues.push({ path: ['metadata'], message: problem });
  issues.push(...readerIssues(document.readers));
  return issues;
}

function readerIssues(readers: DocumentToIngest['readers']): Issue[] {
  if (!readers) return [];
  if (readers.length > maxReaders)
    return [{ path: ['readers'], message: `has more than ${maxReaders} names: use a group` }];
  return readers.flatMap((name, at) =>
    isReaderName(name)
      ? []
      : [{ path: ['readers', String(at)], message: 'must be user:NAME, group:NAME or *' }],
  );
}

function textProblem(value: string, longest: number): string | undefined {
  if (value.trim() === '') return 'is empty: there is nothing to find in it';
  if (value.length > longest)
    return `has ${value.length} characters, more than ${longest}: split it`;
  if (value.includes('\0')) return 'holds a NUL character: it is not text, or was read wrongly';
  if (!value.isWellFormed()) return 'holds half a surrogate pair: it was cut or decoded wrongly';
  return undefined;
}

function metadataProblem(metadata: unknown): string | undefined {
  if (metadata === undefined || metadata === null) return undefined;
  if (typeof metadata !== 'object' || Array.isArray(metadata)) return 'must be an object';
  if (nesting(metadata) > deepestMetadata) return `nests more than ${deepestMetadata} deep`;
  const json = JSON.stringify(metadata);
  if (json.length > maxMetadata) return `is larger than ${maxMetadata} characters of JSON`;
  // JSON.stringify writes NUL and lone surrogates as escapes, which jsonb refuses.
  if (/\\u0000|\\ud[89a-f]/.test(json.replaceAll('\\\\', '')))
    return 'holds a NUL character or half a surrogate pair';
  return undefined;
}

function nesting(value: unknown, depth = 0): number {
  if (typeof value !== 'object' || value === null || depth > deepestMetadata) return depth;
  return Math.max(depth, ...Object.values(value).map((each) => nesting(each, depth + 1)));
}
